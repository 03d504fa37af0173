/** The DynamoDB requests of the sequencer. Each change is one conditional write. */
import { isDeepStrictEqual } from 'node:util';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { absent, allOf, anyOf, type Condition, compare, equals } from '../../store/condition.ts';
import type { Item, Key } from '../../store/item.ts';
import { winnerAt } from '../../store/item-store.ts';
import { ItemTable } from '../../store/item-table.ts';
import { remove, setAll } from '../../store/update.ts';
import { update, type Write } from '../../store/write.ts';
import { requireSequencerChange } from '../protocol/invariants.ts';
import { StaleConfigurationError } from '../protocol/quorum.ts';
import type { Hold, Replaced, Sequencer, WriterRecord } from '../protocol/sequencer.ts';
import { sequencerKey } from './keys.ts';
import { reach } from './reach.ts';
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
 * The sequencer of one log. Throws `ThrottledError` and `UnreachableError`, see `reach`, `StaleConfigurationError`
 * once the log follows another configuration.
 */
export class SequencerTable implements Sequencer {
  readonly #items: ItemTable;
  readonly #key: Key;
  readonly #configuration: number;

  constructor({ client, table, group, log, configuration }: SequencerTableProps) {
    this.#items = new ItemTable(client, table);
    this.#key = sequencerKey(group, log);
    this.#configuration = configuration;
  }

  async read(): Promise<WriterRecord | undefined> {
    return toWriterRecord(await this.#read());
  }

  async readHold(): Promise<Hold | undefined> {
    return holdOf(await this.#read());
  }

  async replace(before: WriterRecord | undefined, after: WriterRecord, truncateTo?: number): Promise<Replaced> {
    const write = replaceWriter(this.#key, { before, after, truncateTo, configuration: this.#configuration });
    const written = await reachable(() => this.#items.write([write]));
    if (written.kind === 'written') return { replaced: true };
    const item = winnerAt(written.refusals, 0);
    const version = Number(item?.['configuration'] ?? 0);
    if (version !== this.#configuration) throw new StaleConfigurationError(version);
    const there = toWriterRecord(item);
    if (there && isDeepStrictEqual(there, toWriterRecord(toAttributes(after)))) return { replaced: true };
    const held = holdOf(item);
    if (truncateTo !== undefined && held && truncateTo > held.from) return { replaced: false, held };
    return { replaced: false, writer: there };
  }

  #read(): Promise<Item | undefined> {
    return reachable(() => this.#items.get(this.#key, { consistent: true }));
  }
}

interface Replacement {
  readonly before: WriterRecord | undefined;
  readonly after: WriterRecord;
  readonly truncateTo: number | undefined;
  readonly configuration: number;
}

/** @throws InvariantViolationError for a record that must not follow the one before. */
function replaceWriter(key: Key, { before, after, truncateTo, configuration }: Replacement): Write {
  requireSequencerChange({ before, after });
  const isNotHeld: Condition[] =
    truncateTo === undefined ? [] : [anyOf(absent('hold'), compare('hold.from', '>=', truncateTo))];
  // The revisions of a log that is created again begin anew: only with its writer does one name a record.
  const isStill = before
    ? allOf(equals('revision', before.revision), equals('writerId', before.writerId))
    : absent('revision');
  const changes = [...setAll(toAttributes(after)), ...(after.exclusive ? [] : remove('exclusive'))];
  return update(key, changes, allOf(equals('configuration', configuration), isStill, ...isNotHeld));
}

const holdOf = (item: Item | undefined) => item?.['hold'] as Hold | undefined;

const reachable = <Answer>(act: () => Promise<Answer>) => reach({ name: 'The main table' }, act);
