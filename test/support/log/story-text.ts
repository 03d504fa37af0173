/** How the messages of a story read. */
import { roundOf, versionOf } from '../../../api/ballot.ts';
import type { Action, Meta, Value } from '../../../log/protocol/replica.ts';
import type { WriterRecord } from '../../../log/protocol/sequencer.ts';
import type { MemoryReplica } from './memory-replica.ts';

type Anything = Record<string, unknown>;

const ballot = (number: number, by?: unknown) =>
  number === 0 ? 'none' : `${versionOf(number)}.${roundOf(number)}${by ? `/${by}` : ''}`;

function valueText(value: Value | undefined): string {
  if (!value) return '(promised only)';
  if (value.type === 'APPEND') return value.entries.map((entry) => `"${Buffer.from(entry)}"`).join(' ');
  if (value.type === 'TRUNCATE') return `TRUNCATE to ${value.to}, floor ${value.floor}`;
  if (value.tombstone) return 'tombstone';
  return value.count ? `NOP for ${value.count}` : 'NOP';
}

function metaText({ status, promised, begin, end, view, configuration, lock, accepted }: Meta): string {
  const base = `${status} promised ${ballot(promised)} ${begin}..${end}`;
  return `${base}${view ? ` view ${view}` : ''}${configuration > 1 ? ` configuration ${configuration}` : ''}${lock ? ` locked by ${lock.lockId}` : ''}${accepted ? ` accepted ${accepted.from}..${accepted.to}` : ''}`;
}

function actionText({ position, performed, performedBy, promised, value, learned, staged }: Action): string {
  const how = learned ? 'learned' : performed ? ballot(performed, performedBy) : `promised ${ballot(promised)}`;
  return `${position}: ${valueText(value)} (${how}${staged ? ', staged' : ''})`;
}

function slotText({ number, by, position, value }: Anything): string {
  return `${ballot(number as number, by)} ${position}: ${valueText(value as Value)}`;
}

/** A request by its method. */
export function argumentsText(method: string, args: readonly unknown[]): string {
  const [first, second] = args as [Anything, Anything];
  switch (method) {
    case 'promise':
      return `promise ${ballot(first['number'] as number, first['by'])}, view ${first['view']}`;
    case 'promiseAt':
      return `promise ${ballot(first['number'] as number, first['by'])} at ${first['position']}, view ${first['view']}`;
    case 'write':
      return `write ${slotText(first)}, view ${first['view']}`;
    case 'stage':
      return `stage ${slotText(first)}`;
    case 'accept':
      return `accept ${ballot(first['number'] as number, first['by'])} ${first['position']}..${first['last']}, view ${first['view']}`;
    case 'learn':
      return `learn ${(args[0] as Action[]).map((action) => `${action.position}: ${valueText(action.value)}`).join(', ')}`;
    case 'range':
      return `range ${args[0]}..${args[1]}`;
    case 'transition':
      return `become ${second['status']}${second['promised'] ? ` promised ${ballot(second['promised'] as number)}` : ''}`;
    case 'replaceView':
      return `take view ${args[0]}`;
    case 'lock':
      return `lock ${first['lockId']} at turn ${first['turn']}`;
    case 'unlock':
      return `unlock ${args[0]}`;
    case 'replace': {
      const { number, writerId, next, settled, closed } = first as unknown as WriterRecord;
      return `${closed ? 'close' : 'put'} ${ballot(number, writerId)} next ${next} settled ${settled}`;
    }
    default:
      return method;
  }
}

/** The response. */
export function answerText(answer: unknown): string {
  if (answer === undefined) return 'nothing';
  const found = answer as Anything;
  if (found['status'] !== undefined) return metaText(answer as Meta);
  if (found['changed'] !== undefined)
    return `${found['changed'] ? 'changed' : 'not changed'}: ${metaText(found['meta'] as Meta)}`;
  if (Array.isArray(found['actions']) && found['meta']) {
    return (found['actions'] as Action[]).map(actionText).join(', ') || 'empty';
  }
  if (found['writerId'] !== undefined)
    return `${ballot(found['number'] as number, found['writerId'])} next ${found['next']}`;
  if (found['staged'] !== undefined) return found['staged'] ? 'staged' : 'not staged';
  if (found['replaced'] !== undefined) return found['replaced'] ? 'done' : 'another came first';
  if (found['verdict'] !== undefined) return verdictText(found);
  return JSON.stringify(answer);
}

function verdictText({ verdict, promised, action, status, lock }: Anything): string {
  const parts = [String(verdict)];
  if (promised !== undefined) parts.push(`promised ${ballot(promised as number)}`);
  if (action) parts.push(actionText(action as Action));
  if (status) parts.push(String(status));
  if (lock) parts.push(String((lock as Anything)['lockId']));
  return parts.join(' ');
}

/** A coordinator's outcome. */
export function outcomeText(outcome: object): string {
  if ('elected' in outcome) {
    const { number, writerId, next } = outcome.elected as WriterRecord;
    return `elected ${ballot(number, writerId)}, next ${next}`;
  }
  if ('items' in outcome) {
    const items = outcome.items as { position: number; data: Uint8Array }[];
    return items.map(({ position, data }) => `${position} "${Buffer.from(data)}"`).join(', ') || 'no entries';
  }
  return JSON.stringify(outcome);
}

export function stateText(replicas: readonly MemoryReplica[], writer: WriterRecord | undefined): string[] {
  const lines = replicas.flatMap(({ id, inForce, actions }) => {
    if (inForce.incarnation === '') return [];
    const known = [...actions.values()].sort((one, other) => one.position - other.position);
    return [`${id} ${metaText(inForce)}`, ...known.map((action) => `    ${actionText(action)}`)];
  });
  const where =
    writer && `${ballot(writer.number, writer.writerId)} next ${writer.next}${writer.closed ? ' closed' : ''}`;
  return [...lines, `sequencer ${where ?? 'unused'}`];
}
