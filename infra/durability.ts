/** Durability that a deployment must not lose by a forgotten or mistyped setting. */
import type { Settings } from './settings.ts';

/** The settings of a stage that its data depend on, as they were last deployed. */
export type Durability = Pick<Settings, 'replicas' | 'replicaRegions' | 'payloadUndeleteDays' | 'ephemeral'>;

export const durabilityOf = ({ replicas, replicaRegions, payloadUndeleteDays, ephemeral }: Settings): Durability => ({
  replicas,
  replicaRegions,
  payloadUndeleteDays,
  ephemeral,
});

/**
 * Throws when the deployment would change where logs are kept, keep deleted payloads for a shorter time, or take
 * protection away, unless each such setting is accepted by name.
 */
export function requireKept(stage: string, before: Durability, now: Durability, accepted: readonly string[]): void {
  const changed = changes(before, now).filter(({ name }) => !accepted.includes(name));
  if (changed.length === 0) return;
  const said = changed.map(({ name, harm }) => `${name}: ${written(before[name])} → ${written(now[name])} (${harm})`);
  const names = changed.map(({ name }) => name).join(',');
  throw new Error(
    `Stage "${stage}" was deployed otherwise: ${said.join('; ')}. Change the settings back, or deploy with -c accept=${names}.`,
  );
}

function changes(before: Durability, now: Durability): { name: keyof Durability; harm: string }[] {
  const movedLogs = 'logs lie on other tables: replicas that go take what only they hold';
  const found: { name: keyof Durability; harm: string }[] = [];
  if (now.replicas !== before.replicas) found.push({ name: 'replicas', harm: movedLogs });
  if (now.replicaRegions.join() !== before.replicaRegions.join())
    found.push({ name: 'replicaRegions', harm: movedLogs });
  if (now.payloadUndeleteDays < before.payloadUndeleteDays)
    found.push({ name: 'payloadUndeleteDays', harm: 'payloads deleted before are gone sooner' });
  if (now.ephemeral && !before.ephemeral) found.push({ name: 'ephemeral', harm: 'nothing is protected any more' });
  return found;
}

const written = (value: unknown) => (Array.isArray(value) ? value.join(',') || 'none' : String(value));
