import { type Appended, append } from '../../../log/protocol/append.ts';
import { appendTogether } from '../../../log/protocol/append-together.ts';
import { allReplicas, beginChange, majoritiesOf } from '../../../log/protocol/configuration.ts';
import { elect } from '../../../log/protocol/coordinator.ts';
import { lockAll, unlockAll } from '../../../log/protocol/lock.ts';
import { defaultSettings, type LogParts } from '../../../log/protocol/log.ts';
import { nextStep } from '../../../log/protocol/membership.ts';
import type { Content, WriterMemory } from '../../../log/protocol/placement.ts';
import { StaleConfigurationError, UnreachableError } from '../../../log/protocol/quorum.ts';
import { read } from '../../../log/protocol/reader.ts';
import { recover } from '../../../log/protocol/recovery.ts';
import type { Replica } from '../../../log/protocol/replica.ts';
import { Process, World } from '../../simulation/log/world.ts';
import { seededRandom } from '../seeded-random.ts';
import { found } from './calm-log.ts';
import { MemoryMembers, memberOf } from './memory-members.ts';
import { MemoryReplica } from './memory-replica.ts';
import { MemorySequencer } from './memory-sequencer.ts';
import { answerText, argumentsText, outcomeText, stateText } from './story-text.ts';

interface Held {
  readonly id: string;
  deliver(): void;
}

/** One log in memory whose every message is written down; commands of a story change it. */
export class Story {
  readonly #world = new World(seededRandom(1), { loss: 0, duplication: 0, slow: 0, crash: 0, stall: 0 });
  readonly #replicas = Array.from({ length: 5 }, (_, at) => new MemoryReplica(`${at + 1}`));
  readonly #sequencer = new MemorySequencer();
  readonly #members = new MemoryMembers(3);
  readonly #down = new Set<string>();
  readonly #holds = new Set<string>();
  readonly #held: Held[] = [];
  readonly #writers = new Map<string, { parts: LogParts; writerId: string; memory: WriterMemory }>();
  #lines: string[] = [];
  #ids = 0;

  constructor() {
    this.#members.onVersion = (version) => this.#sequencer.follow(version);
    for (const replica of this.#replicas.slice(0, 3)) found(replica);
  }

  /** Carries out one command; answers every message that followed, then what came of it. */
  async tell(command: string): Promise<string[]> {
    this.#lines = [];
    const [verb = '', ...words] = command.split(' ');
    const act = this.#commands[verb];
    if (!act) throw new Error(`No story knows the command "${verb}"`);
    let outcome: string | undefined;
    let done = false;
    this.#world.start(async () => {
      outcome = await act(words).catch((error: unknown) => {
        if (error instanceof UnreachableError || error instanceof StaleConfigurationError) return error.name;
        throw error;
      });
      done = true;
    });
    await this.#world.run(20_000, () => done);
    if (!done) throw new Error(`"${command}" does not end`);
    // Responses that a quorum did not wait for arrive, too.
    await this.#world.run(200);
    return outcome ? [...this.#lines, `= ${outcome}`] : this.#lines;
  }

  readonly #commands: Record<string, (words: string[]) => Promise<string | undefined>> = {
    elect: async ([name = 'a', version = '0']) => {
      const parts = this.#partsFor(name);
      const election = await elect(parts, Number(version));
      if ('elected' in election) {
        const { writerId } = election.elected;
        const memory: WriterMemory = { writer: election.elected, settlements: new Map() };
        this.#writers.set(name, { parts, writerId, memory });
      }
      return outcomeText(election);
    },
    append: async ([name = 'a', ...texts]) => outcomeText(await this.#append(name, texts)),
    together: async ([name = 'a', ...texts]) => {
      const writer = this.#writerOf(name);
      const requests = texts.map((text) => ({ writerId: writer.writerId, ...requestOf([text]) }));
      return (await appendTogether(writer.parts, writer.memory, requests)).map(outcomeText).join('; ');
    },
    truncate: async ([name = 'a', to = '0']) => {
      const { parts, memory, writerId } = this.#writerOf(name);
      const requestId = `truncate-${to}`;
      const content: Content = { type: 'TRUNCATE', to: Number(to) };
      return outcomeText(await append(parts, memory, { writerId, requestId, content }));
    },
    read: async () => outcomeText(await read(this.#partsFor('reader'), { limit: 100, maxBytes: 1_000 })),
    recover: async ([id = '']) => {
      const parts = this.#partsFor(`recovery-${id}`);
      const replica = parts.replicas.find((one) => one.id === id);
      if (!replica) throw new Error(`No replica ${id}`);
      const until = parts.timer.now() + 4_000;
      return recover(parts, replica, { autoInitialize: false, cancelled: () => parts.timer.now() > until });
    },
    lock: async ([id = '']) => outcomeText((await lockAll(this.#partsFor('backup'), id)) ?? { notLocked: true }),
    unlock: async ([id = '']) => void (await unlockAll(this.#partsFor('backup'), id)),
    change: async ([ids = '']) => {
      const next = ids.split(',').map((id) => memberOf(Number(id)));
      this.#members.configure(this.#members.current, beginChange(this.#members.current, next));
      return this.#membersText();
    },
    step: async () => {
      const configuration = this.#members.current;
      const step = await nextStep(this.#partsFor('operator'), configuration, () => true);
      if (step.kind === 'move') this.#members.configure(configuration, step.to);
      return step.kind === 'wait' ? `waits: ${step.reason}` : this.#membersText();
    },
    down: async (ids) => void ids.forEach((id) => void this.#down.add(id)),
    up: async (ids) => void ids.forEach((id) => void this.#down.delete(id)),
    wipe: async (ids) => void ids.forEach((id) => void this.#replicas[Number(id) - 1]?.wipe()),
    /** Keeps the next message of this kind to the replica on its way until it is delivered. */
    hold: async ([id = '', method = '']) => void this.#holds.add(`${id} ${method}`),
    deliver: async ([id = '']) => {
      const late = this.#held.filter((one) => one.id === id);
      for (const one of late) this.#held.splice(this.#held.indexOf(one), 1);
      for (const { deliver } of late) deliver();
      return undefined;
    },
    wait: async ([ms = '0']) => {
      await this.#partsFor('time').timer.sleep(Number(ms));
      return undefined;
    },
    state: async () => {
      this.#lines.push(...stateText(this.#replicas, this.#sequencer.record));
      return undefined;
    },
  };

  async #append(name: string, texts: string[]): Promise<Appended> {
    const { parts, memory, writerId } = this.#writerOf(name);
    return append(parts, memory, { writerId, ...requestOf(texts) });
  }

  #writerOf(name: string) {
    const writer = this.#writers.get(name);
    if (!writer) throw new Error(`${name} was not elected`);
    return writer;
  }

  #membersText(): string {
    const { version, replicas, next } = this.#members.current;
    const ids = (members: readonly { id: string }[]) => members.map(({ id }) => id).join(' ');
    return `configuration ${version}: ${ids(replicas)}${next ? `, ${next.phase} to ${ids(next.replicas)}` : ''}`;
  }

  #partsFor(name: string): LogParts {
    const process = new Process(name, 0);
    const configuration = this.#members.current;
    const { version } = configuration;
    const say = (line: string) => void this.#lines.push(line);
    const sequencer = <Result>(what: string, act: () => Result) =>
      this.#world.call(process, () => {
        const result = act();
        say(`${name} → sequencer: ${what} ⇒ ${answerText(result)}`);
        return result;
      });
    return {
      replicas: allReplicas(configuration).map(({ id }) => this.#remote(name, process, id, version)),
      majorities: majoritiesOf(configuration),
      configuration: version,
      sequencer: {
        read: () => sequencer('read', () => this.#sequencer.read()),
        readHold: () => sequencer('held', () => this.#sequencer.readHold()),
        replace: (before, record, truncateTo) =>
          sequencer(argumentsText('replace', [record]), () =>
            this.#sequencer.replace(before, record, truncateTo, version),
          ),
      },
      timer: this.#world.timer(process),
      chance: { number: () => 0.5, id: () => `c${String(++this.#ids).padStart(2, '0')}` },
      settings: { ...defaultSettings, tries: 2, answerMs: 450, electionGraceMs: 30, graceMs: 30 },
    };
  }

  #remote(name: string, process: Process, id: string, version: number): Replica {
    const replica = this.#replicas[Number(id) - 1] as MemoryReplica;
    const handle = replica.at(() => version);
    const methods = Object.entries(handle).map(([method, act]) => [
      method,
      (...args: never[]) => {
        const what = `${name} → ${id}: ${argumentsText(method, args)}`;
        if (this.#down.has(id)) {
          this.#lines.push(`${what} ⇒ lost`);
          return Promise.reject(new UnreachableError(`Replica ${id} is down`));
        }
        const deliver = () => {
          try {
            const answer = (act as (...given: never[]) => unknown)(...args);
            this.#lines.push(`${what} ⇒ ${answerText(answer)}`);
            return answer;
          } catch (error) {
            if (error instanceof StaleConfigurationError)
              this.#lines.push(`${what} ⇒ STALE, it follows ${error.version}`);
            throw error;
          }
        };
        if (!this.#holds.has(`${id} ${method}`)) return this.#world.call(process, deliver);
        this.#holds.delete(`${id} ${method}`);
        this.#lines.push(`${what} … on its way`);
        this.#held.push({ id, deliver: () => void refusable(deliver) });
        return Promise.reject(new UnreachableError('no answer yet'));
      },
    ]);
    return { id, ...Object.fromEntries(methods) };
  }
}

/** A refusal by the configuration reaches nobody who still waits for it. */
function refusable(deliver: () => unknown): void {
  try {
    deliver();
  } catch (error) {
    if (!(error instanceof StaleConfigurationError)) throw error;
  }
}

function requestOf(texts: readonly string[]): { requestId: string; content: Content } {
  const entries = texts.map((text) => Buffer.from(text));
  return { requestId: texts.join('+'), content: { type: 'APPEND', entries } };
}
