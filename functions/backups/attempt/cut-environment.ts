import { randomUUID } from 'node:crypto';
import { jobRoom } from '../../jobs/environment.ts';
import { heldDeletesTable } from '../../jobs/payloads/held-deletes-table.ts';
import { logRoom } from '../../log/environment.ts';
import { groupLogs } from '../../log/lambda/group-logs.ts';
import { documentClient } from '../../platform/aws.ts';
import { systemClock } from '../../platform/clock.ts';
import { backupTable } from '../backup-table.ts';
import type { Cutting } from '../ports.ts';
import { backupSettings } from '../settings.ts';
import { cutting } from './group-cut.ts';

/** Builds the cut once per Lambda environment, from its variables. */
export function cuttingRoom(): Cutting {
  const { table } = backupSettings();
  const client = documentClient();
  return cutting({
    logs: groupLogs(logRoom(), systemClock),
    held: heldDeletesTable(client, table),
    store: backupTable(client, table),
    payloads: jobRoom().payloads,
    clock: systemClock,
    newId: randomUUID,
  });
}
