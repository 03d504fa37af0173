/** The DynamoDB requests of the sequencer. Each change is one conditional write. */
import { isDeepStrictEqual } from 'node:util';
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { conditional } from '../../../store/conditional.ts';
import { isUnavailable } from '../../../store/store-errors.ts';
import { StaleConfigurationError, UnreachableError } from '../protocol/quorum.ts';
import type { Hold, Sequencer, WriterRecord } from '../protocol/sequencer.ts';
import { sequencerKey } from './keys.ts';
import { toAttributes, toWriterRecord } from './sequencer-item.ts';

export interface SequencerTableProps {
  readonly client: DynamoDBDocumentClient;
  readonly table: string;
  readonly group: string;
  readonly log: string;
  /** The version of the log's configuration that the caller follows. */
  readonly configuration: number;
}

/**
 * The sequencer of one log. Throws `UnreachableError` where the table gives no answer, `StaleConfigurationError` once
 * the log follows another configuration.
 */
export function sequencerTable({ client, table, group, log, configuration }: SequencerTableProps): Sequencer {
  const at = { TableName: table, Key: sequencerKey(group, log) };

  const get = async () => (await client.send(new GetCommand({ ...at, ConsistentRead: true }))).Item;

  return {
    read: () => reachable(async () => toWriterRecord(await get())),
    held: () => reachable(async () => (await get())?.['hold'] as Hold | undefined),

    replace: (revision, writer, truncateTo) =>
      reachable(async () => {
        const write = new UpdateCommand({ ...at, ...put(revision, writer, truncateTo, configuration) });
        const { won, lost } = await conditional(() => client.send(write));
        if (won) return { replaced: true };
        const item = lost[0]?.item;
        const version = Number(item?.['configuration'] ?? 0);
        if (version !== configuration) throw new StaleConfigurationError(version);
        const there = toWriterRecord(item);
        if (there && isDeepStrictEqual(there, toWriterRecord(toAttributes(writer)))) return { replaced: true };
        const held = item?.['hold'] as Hold | undefined;
        if (truncateTo !== undefined && held && truncateTo > held.from) return { replaced: false, held };
        return { replaced: false, writer: there };
      }),
  };
}

function put(
  revision: number | undefined,
  writer: WriterRecord,
  truncateTo: number | undefined,
  configuration: number,
) {
  const attributes = Object.entries(toAttributes(writer));
  return {
    UpdateExpression: `SET ${attributes.map(([name]) => `#${name} = :${name}`).join(', ')}`,
    ConditionExpression: [
      '#configuration = :configuration',
      revision === undefined ? 'attribute_not_exists(#revision)' : '#revision = :expected',
      ...(truncateTo === undefined ? [] : ['(attribute_not_exists(#hold) OR #hold.#from >= :truncateTo)']),
    ].join(' AND '),
    ExpressionAttributeNames: {
      ...Object.fromEntries(attributes.map(([name]) => [`#${name}`, name])),
      '#configuration': 'configuration',
      ...(truncateTo === undefined ? {} : { '#hold': 'hold', '#from': 'from' }),
    },
    ExpressionAttributeValues: {
      ...Object.fromEntries(attributes.map(([name, value]) => [`:${name}`, value])),
      ':configuration': configuration,
      ...(revision === undefined ? {} : { ':expected': revision }),
      ...(truncateTo === undefined ? {} : { ':truncateTo': truncateTo }),
    },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
}

async function reachable<Answer>(act: () => Promise<Answer>): Promise<Answer> {
  try {
    return await act();
  } catch (cause) {
    if (isUnavailable(cause)) throw new UnreachableError('The main table gives no answer', { cause });
    throw cause;
  }
}
