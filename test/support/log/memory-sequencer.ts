import { requireSequencerChange } from '../../../log/protocol/invariants.ts';
import { StaleConfigurationError } from '../../../log/protocol/quorum.ts';
import type { Hold, Replaced, Sequencer, WriterRecord } from '../../../log/protocol/sequencer.ts';

/** The sequencer's record with the store's conditions applied at once. */
export class MemorySequencer {
  record: WriterRecord | undefined;
  hold: Hold | undefined;
  /** The version of the log's configuration. */
  configuration = 1;

  constructor(private readonly onChange: (record: WriterRecord) => void = () => {}) {}

  read(): WriterRecord | undefined {
    return this.record;
  }

  readHold(): Hold | undefined {
    return this.hold;
  }

  replace(
    before: WriterRecord | undefined,
    after: WriterRecord,
    truncateTo?: number,
    configuration = this.configuration,
  ): Replaced {
    requireSequencerChange({ before, after });
    if (configuration !== this.configuration) throw new StaleConfigurationError(this.configuration);
    if (truncateTo !== undefined && this.hold && truncateTo > this.hold.from)
      return { replaced: false, held: this.hold };
    if (this.record && same(this.record, after)) return { replaced: true };
    const isStill = this.record?.revision === before?.revision && this.record?.writerId === before?.writerId;
    if (!isStill) return { replaced: false, writer: this.record };
    this.put(after);
    return { replaced: true };
  }

  put(record: WriterRecord): void {
    this.record = record;
    this.onChange(record);
  }

  /** As the registry does it: the writer that was elected by the old majorities is closed in the same write. */
  follow(configuration: number): void {
    this.configuration = configuration;
    if (this.record) this.put({ ...this.record, revision: this.record.revision + 1, closed: true });
  }

  port(): Sequencer {
    return {
      read: async () => this.read(),
      readHold: async () => this.readHold(),
      replace: async (...args) => this.replace(...args),
    };
  }
}

function same(one: WriterRecord, other: WriterRecord): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
