/** Founding a log by hand. Design: docs/design/log.md, "Recovery of a replica". */
import type { LogParts } from './log.ts';
import { ask } from './quorum.ts';
import { originAfter, shortId } from './recovery.ts';
import type { Meta, Replica, Status } from './replica.ts';

export type Initialized = { readonly status: Status } | { readonly refused: string };

/**
 * Lets an EMPTY replica vote, as the beginning of a log. Refused while another replica has promised or stored anything,
 * while one does not answer, and once the log had a writer; `force` overrules the last two: then the log begins anew
 * above every position that was ever handed out, and what it held is given up.
 */
export async function initialize(parts: LogParts, replica: Replica, force: boolean): Promise<Initialized> {
  const self = await replica.create({ incarnation: parts.chance.id(), view: shortId(parts) });
  if (self.status === 'VOTING') return { status: 'VOTING' };
  if (self.status !== 'EMPTY' && self.status !== 'STARTING') {
    return { refused: `replica "${replica.id}" is ${self.status}, not EMPTY: wait for its recovery` };
  }
  const writer = await parts.sequencer.read();
  const origin = originAfter(writer);
  const { replicas, timer, settings } = parts;
  const others = replicas.filter((other) => other !== replica);
  const metas = await ask(
    others.map((other) => () => other.read()),
    { enough: () => false, ms: settings.answerMs, timer },
  );
  const used = others.filter((_, at) => isUsed(metas[at], origin));
  if (used.length > 0) {
    const which = used.map(({ id }) => `"${id}"`).join(', ');
    return { refused: `replica ${which} holds the log already: recover replica "${replica.id}" from it` };
  }
  const silent = others.filter((_, at) => metas[at] === undefined);
  if (silent.length > 0 && !force) {
    const which = silent.map(({ id }) => `"${id}"`).join(', ');
    return { refused: `replica ${which} does not answer and may hold the log: wait for it, or force it` };
  }
  if (writer && !force) {
    return { refused: 'the log had a writer and every replica is empty: restore a backup, or force it to begin anew' };
  }
  const { incarnation } = self;
  const starting = await replica.transition({ incarnation, status: self.status }, { status: 'STARTING' });
  if (!starting.changed) return { refused: `replica "${replica.id}" became ${starting.meta.status} meanwhile` };
  const voting = await replica.transition({ incarnation, status: 'STARTING' }, { status: 'VOTING', origin });
  if (voting.changed || voting.meta.status === 'VOTING') return { status: 'VOTING' };
  return { refused: `replica "${replica.id}" became ${voting.meta.status} meanwhile` };
}

function isUsed(meta: Meta | undefined, origin: number): boolean {
  if (!meta || meta.status === 'EMPTY' || meta.status === 'STARTING') return false;
  return meta.promised > 0 || meta.end > origin || meta.status === 'RECOVERING';
}
