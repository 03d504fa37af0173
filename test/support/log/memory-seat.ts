import { StaleConfigurationError } from '../../../functions/log/protocol/quorum.ts';
import type { Hold, Replaced, Seat, SeatStore } from '../../../functions/log/protocol/sequencer.ts';

/** The seat's record with the store's conditions applied at once. */
export class MemorySeat {
  seat: Seat | undefined;
  hold: Hold | undefined;
  /** The version of the log's configuration. */
  configuration = 1;

  constructor(private readonly onChange: (seat: Seat) => void = () => {}) {}

  read(): Seat | undefined {
    return this.seat;
  }

  held(): Hold | undefined {
    return this.hold;
  }

  replace(revision: number | undefined, seat: Seat, truncateTo?: number, configuration = this.configuration): Replaced {
    if (configuration !== this.configuration) throw new StaleConfigurationError(this.configuration);
    if (truncateTo !== undefined && this.hold && truncateTo > this.hold.from)
      return { replaced: false, held: this.hold };
    if (this.seat?.revision === seat.revision && same(this.seat, seat)) return { replaced: true };
    if (this.seat?.revision !== revision) return { replaced: false, seat: this.seat };
    this.put(seat);
    return { replaced: true };
  }

  put(seat: Seat): void {
    this.seat = seat;
    this.onChange(seat);
  }

  /** As the registry does it: the writer that was elected by the old majorities is closed in the same write. */
  follow(configuration: number): void {
    this.configuration = configuration;
    if (this.seat) this.put({ ...this.seat, revision: this.seat.revision + 1, closed: true });
  }

  port(): SeatStore {
    return {
      read: async () => this.read(),
      held: async () => this.held(),
      replace: async (revision, seat, truncateTo) => this.replace(revision, seat, truncateTo),
    };
  }
}

function same(one: Seat, other: Seat): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
