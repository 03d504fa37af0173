import { performance } from 'node:perf_hooks';

/** An SDK client, as far as it is recorded and replayed. */
export interface Sender {
  // biome-ignore lint/suspicious/noExplicitAny: every SDK client takes its own union of commands
  send(command: any, ...more: any[]): Promise<any>;
}

interface Sent {
  readonly input: object;
  constructor: new (input: object) => object;
}

interface Recorded {
  readonly twin: Sender;
  readonly command: Sent;
  /** The requests of the same work that had been answered when this one was sent: those that it may have waited for. */
  readonly after: readonly Recorded[];
  /** How it ended: with the name of the error, if it was one. */
  readonly outcome: Promise<string>;
  /** Among all requests by the order of their ends; undefined until then. */
  ended?: number;
}

interface Request {
  readonly recorded: Recorded;
  readonly command: object;
  /** Whether it had ended when the work had. */
  readonly waitedFor: boolean;
}

/** The requests of one piece of work, ready to be sent again. */
export type Recording = readonly Request[];

/**
 * Records what goes through clients, to send the very same requests to a twin of their stores: both begin alike and
 * both see everything, so conditions hold there as they did here. `renamed` gives the twin's name for each name of a
 * table or bucket.
 */
export class Recorder {
  readonly #renamed: ReadonlyMap<string, string>;
  #recorded: Recorded[] = [];
  /** Of the present work alone: what an earlier one left under way counts there. */
  #answered: Recorded[] = [];
  #ended = 0;

  constructor(renamed: ReadonlyMap<string, string>) {
    this.#renamed = renamed;
  }

  record<Client extends Sender>(client: Client, twin: Sender): Client {
    const { send } = client;
    client.send = async (command: Sent, ...more: unknown[]) => {
      const answered = this.#answered;
      const after = [...answered];
      const sent = send.call(client, command, ...more);
      const recorded: Recorded = { twin, command, after, outcome: outcomeOf(sent) };
      this.#recorded.push(recorded);
      void recorded.outcome.then(() => {
        recorded.ended = this.#ended++;
        answered.push(recorded);
      });
      return sent;
    };
    return client;
  }

  /** The requests sent since the last call. */
  take(): Recording {
    const taken = this.#recorded.map((recorded) => {
      const { command, ended } = recorded;
      const renamed = this.#renamedIn(command.input) as object;
      return { recorded, command: new command.constructor(renamed), waitedFor: ended !== undefined };
    });
    this.#recorded = [];
    this.#answered = [];
    return taken;
  }

  #renamedIn(value: unknown): unknown {
    if (typeof value === 'string') return this.#renamed.get(value) ?? value;
    if (Array.isArray(value)) return value.map((one) => this.#renamedIn(one));
    if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.#renamedIn(one)]));
  }
}

function outcomeOf(sent: Promise<unknown>): Promise<string> {
  return sent.then(
    () => 'answered',
    (error: Error) => error.name,
  );
}

/**
 * Sends a recording: what ran side by side runs side by side, and what the work did not wait for is not waited for.
 * Returns the ms that it took. @throws Error when a request ends otherwise than it did there: then the twins are none.
 */
export async function replay(recording: Recording): Promise<number> {
  const startedAt = performance.now();
  const outcomes = new Map<Recorded, Promise<string>>();
  for (const { recorded, command } of recording) {
    // Not just as many: a request to one replica builds on what that very replica has answered.
    await Promise.all(recorded.after.map((one) => outcomes.get(one)));
    outcomes.set(recorded, outcomeOf(recorded.twin.send(command)));
  }
  await settled(recording.filter(({ waitedFor }) => waitedFor).length, [...outcomes.values()]);
  const tookMs = performance.now() - startedAt;
  for (const { recorded, command } of recording) {
    const outcome = await outcomes.get(recorded);
    const expected = await recorded.outcome;
    if (outcome !== expected)
      throw new Error(`${command.constructor.name} ended with ${expected}, its twin with ${outcome}`);
  }
  return tookMs;
}

/**
 * Sends what set the scene: one request after the other, in the order of their ends. Side by side another one of two
 * rivals for an item may win, and the twins would be none.
 */
export async function follow(recording: Recording): Promise<void> {
  await Promise.all(recording.map(({ recorded }) => recorded.outcome));
  const inOrder = recording.toSorted((one, other) => Number(one.recorded.ended) - Number(other.recorded.ended));
  for (const request of inOrder) await replay([request]);
}

/** Resolves once so many of them have. */
function settled(count: number, outcomes: readonly Promise<string>[]): Promise<void> {
  return new Promise((resolve) => {
    let ended = 0;
    if (count === 0) resolve();
    for (const outcome of outcomes) {
      void outcome.then(() => {
        ended += 1;
        if (ended === count) resolve();
      });
    }
  });
}
