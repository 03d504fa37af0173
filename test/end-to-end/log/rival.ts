/**
 * A process that appends to a log whatever its rivals do, and prints what was acknowledged: `node --import tsx rival.ts
 * NAME MODE GROUP LOG STACK`. By `api` it is a client; by `direct` it runs the coordinator itself, so that SIGKILL
 * meets one between any two of its requests.
 */
import { randomUUID } from 'node:crypto';
import { hasCode, ReplicatedLog, TenureClient } from '../../../client/index.ts';
import { namesOf } from '../../../log/dynamodb/sequencer-item.ts';
import { logsOn } from '../../../log/log-room.ts';
import { append } from '../../../log/protocol/append.ts';
import { elect } from '../../../log/protocol/coordinator.ts';
import type { LogParts } from '../../../log/protocol/log.ts';
import type { Content, WriterMemory } from '../../../log/protocol/placement.ts';
import { UnreachableError } from '../../../log/protocol/quorum.ts';
import { localDocuments } from '../../support/main-table.ts';
import type { StackDescription } from '../../support/stack.ts';

/** Returns where each entry is in the log; undefined for one that is not, since a rival took its place. */
type Append = (entries: readonly string[]) => Promise<(number | undefined)[]>;

const [name = '', mode = '', group = '', log = '', stack = ''] = process.argv.slice(2);
const access = JSON.parse(stack) as StackDescription;
const { api, dynamodb, table, replicaTables } = access;

function byApi(): Append {
  const client = new TenureClient({ url: api });
  const writer = new ReplicatedLog({ client, group, log }).writer({ deadlineMs: 120_000 });
  return async (entries) => {
    try {
      const { first } = await writer.append(entries);
      return entries.map((_, index) => first + index);
    } catch (error) {
      if (hasCode(error, 'not_elected', 'exclusivity_lost')) return entries.map(() => undefined);
      throw error;
    }
  };
}

function directly(): Append {
  const client = localDocuments(dynamodb, access);
  const replicas = replicaTables.map((replica) => ({ table: replica, client: localDocuments(dynamodb, access) }));
  const room = logsOn({ client, table, replicas });
  let parts: LogParts | undefined;
  let writer: { writerId: string; memory: WriterMemory } | undefined;
  return async (entries) => {
    const requestId = namesOf(randomUUID()).requestId;
    const content: Content = { type: 'APPEND', entries: entries.map((text) => Buffer.from(text)) };
    for (let lost = 0; ; lost += 1) {
      parts ??= await room.open(group, log);
      writer ??= await elected(parts, lost);
      const { writerId, memory } = writer;
      const answer = await append(parts, memory, { writerId, requestId, content }).catch(unlessUnreachable);
      if (answer && 'first' in answer) return entries.map((_, index) => answer.first + index);
      writer = undefined;
      if (answer && 'exclusivityLost' in answer) return entries.map(() => undefined);
    }
  };
}

/** Pauses the longer, the more often it has lost, as clients do: otherwise it would starve them. */
async function elected(parts: LogParts, lost: number) {
  for (let tries = lost; ; tries += 1) {
    if (tries > 0) await parts.timer.sleep(200 * (1 + Math.random() * 2 ** Math.min(tries, 6)));
    const election = await elect(parts, 0).catch(unlessUnreachable);
    if (election && 'elected' in election) {
      const memory: WriterMemory = { writer: election.elected, settlements: new Map() };
      return { writerId: election.elected.writerId, memory };
    }
  }
}

function unlessUnreachable(error: unknown): undefined {
  if (!(error instanceof UnreachableError)) throw error;
}

// The pauses of a coordinator alone do not keep a process alive.
setInterval(() => {}, 60_000);
const appendAll = mode === 'direct' ? directly() : byApi();
for (let request = 1; ; request += 1) {
  const count = request % 3 === 0 ? 5 : 1;
  const entries = Array.from({ length: count }, (_, at) => `${name}.${request}.${at}`);
  const positions = await appendAll(entries);
  console.log(JSON.stringify({ entries, positions }));
}
