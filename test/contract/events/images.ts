import type { DynamoDBRecord } from 'aws-lambda';
import { matches } from '../../../emulator/streams/pattern.ts';
import { changeOf } from '../../../functions/events/change.ts';
import { eventOf } from '../../../functions/events/event.ts';
import { eventFilters } from '../../../infra/event-filter.ts';

/** The records that the deployed mapping hands to the function. */
export const passing = (records: readonly DynamoDBRecord[]) =>
  records.filter((record) => eventFilters.some((filter) => matches(filter, record)));

/** The events that the function makes of them. */
export const eventsIn = (records: readonly DynamoDBRecord[]) =>
  passing(records).flatMap((record) => eventOf(changeOf(record)) ?? []);
