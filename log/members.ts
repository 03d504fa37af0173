/** Operators' requests on the members of a log. */
import { ProblemError } from '../api/problem.ts';
import { membersRefused } from '../api/problems/log.ts';
import type { LogRoom } from './log-room.ts';
import { withLog } from './logs.ts';
import { beginChange, type Configuration, cancelChange, type Member } from './protocol/configuration.ts';
import { nextStep } from './protocol/membership.ts';
import { getLogOrThrow, type LogName } from './registered-log.ts';
import type { Replicas } from './replicas.ts';

export interface Wish {
  /** Tables of the deployment that are to become replicas. */
  readonly add?: readonly { readonly table: string; readonly region?: string | undefined }[] | undefined;
  /** The ids of replicas that are to be none any more. */
  readonly remove?: readonly string[] | undefined;
  readonly cancel?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface ChangedMembers {
  readonly configuration: Configuration;
  /** The reason that a change under way waits. */
  readonly waitsFor?: string;
}

export type MemberService = Replicas & Pick<LogRoom, 'tables'>;

/** Steps of one request: two writes of the configuration, and what comes between. */
const mostSteps = 8;
/** Time kept back for a request's last step. */
const stepMs = 8_000;

/**
 * Begins a change of the members, or continues the one under way; safe to repeat and to break off anywhere. Ends once
 * the change is done, or waits for something. Throws `members_refused`, `replica_missing`, `not_found`.
 */
export async function changeMembers(
  service: MemberService,
  name: LogName,
  wish: Wish,
  budgetMs: number,
): Promise<ChangedMembers> {
  const { registry } = service;
  const wanted = await begin(service, name, wish);
  if (wish.dryRun) return { configuration: wanted };
  const until = Date.now() + budgetMs;
  const goOn = () => Date.now() < until - stepMs;
  for (let step = 0; step < mostSteps; step += 1) {
    const taken = await withLog(service, name, async (parts, { configuration }) => ({
      configuration,
      step: await nextStep(parts, configuration, goOn),
    }));
    const { configuration } = taken;
    switch (taken.step.kind) {
      case 'stable':
        return { configuration };
      case 'move':
        await registry.configure(name.group, name.log, configuration, taken.step.to);
        break;
      case 'wait':
        for (const { id } of taken.step.recover) {
          await service.workflow.start({ ...name, replica: id, force: false, plan: null });
        }
        return { configuration, waitsFor: taken.step.reason };
    }
    if (!goOn()) break;
  }
  const { configuration } = await getLogOrThrow(registry, name);
  return { configuration, ...(configuration.next && { waitsFor: 'the next request or minute' }) };
}

/** Records the wish; returns the configuration that it leads to. */
async function begin(service: MemberService, name: LogName, wish: Wish): Promise<Configuration> {
  const { registry } = service;
  for (let tried = 0; tried < 5; tried += 1) {
    const { configuration } = await getLogOrThrow(registry, name);
    const to = wish.cancel ? cancelChange(configuration) : await resolveWish(service, name, configuration, wish);
    if (to === configuration || wish.dryRun) return to;
    if (await registry.configure(name.group, name.log, configuration, to)) return to;
  }
  throw new ProblemError(membersRefused, `The members of log "${name.log}" change too often; try again.`);
}

async function resolveWish(
  service: MemberService,
  { log }: LogName,
  configuration: Configuration,
  { add = [], remove = [] }: Wish,
): Promise<Configuration> {
  const { replicas, next } = configuration;
  if (add.length === 0 && remove.length === 0) return configuration;
  const refuse = (why: string) =>
    new ProblemError(membersRefused, `Log "${log}": ${why}.`, { version: configuration.version });
  const isThere = (one: { table: string; region?: string | undefined }, members: readonly Member[]) =>
    members.some(({ table, region }) => table === one.table && region === one.region);
  if (next) {
    const same =
      add.every((one) => isThere(one, next.replicas)) && !next.replicas.some(({ id }) => remove.includes(id));
    if (same) return configuration;
    throw refuse('another change of its members is under way; finish or cancel it first');
  }
  const unknown = remove.filter((id) => !replicas.some((member) => member.id === id));
  if (unknown.length > 0) throw refuse(`it has no replica "${unknown.join('", "')}"`);
  const tables = await service.tables();
  const highest = Math.max(...replicas.map(({ id }) => Number(id)));
  const added = add.map((one, at): Member => {
    const table = tables.find((there) => isThere(one, [{ id: '', ...there }]));
    if (!table)
      throw refuse(`table ${one.table} is none of this deployment (${tables.map((t) => t.table).join(', ')})`);
    if (isThere(one, replicas)) throw refuse(`table ${one.table} is one of its replicas already`);
    return { id: String(highest + 1 + at), ...table };
  });
  const members = [...replicas.filter(({ id }) => !remove.includes(id)), ...added];
  if (![1, 3, 5].includes(members.length)) {
    throw refuse(`it would have ${members.length} replicas; 1, 3 and 5 are possible`);
  }
  return beginChange(configuration, members);
}
