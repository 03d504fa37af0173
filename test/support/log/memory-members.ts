import { isDeepStrictEqual } from 'node:util';
import {
  allReplicas,
  type Configuration,
  firstConfiguration,
  type Member,
  majoritiesOf,
} from '../../../log/protocol/configuration.ts';
import { isMajority } from '../../../log/protocol/quorum.ts';

export const memberOf = (id: number): Member => ({ id: `${id}`, table: `table-${id}`, epoch: 1 });

/** A log's configuration, as the registry keeps it. */
export class MemoryMembers {
  current: Configuration;
  /** The quorum of each version. */
  readonly versions = new Map<number, Configuration>();
  /** Called in the same write that changes the version. */
  onVersion: (version: number) => void = () => {};

  constructor(size: number) {
    this.current = firstConfiguration(Array.from({ length: size }, (_, at) => memberOf(at + 1)));
    this.versions.set(1, this.current);
  }

  configure(from: Configuration, to: Configuration): boolean {
    if (isDeepStrictEqual(this.current, to)) return true;
    if (!isDeepStrictEqual(this.current, from)) return false;
    this.current = to;
    this.versions.set(to.version, to);
    if (to.version !== from.version) this.onVersion(to.version);
    return true;
  }

  /** Whether the replicas with these ids are a quorum by this version, or now. */
  isQuorum(ids: Iterable<string>, version = this.current.version): boolean {
    const configuration = this.versions.get(version) ?? this.current;
    const among = new Set(ids);
    const places = allReplicas(configuration).flatMap(({ id }, at) => (among.has(id) ? [at] : []));
    return isMajority(majoritiesOf(configuration), new Set(places));
  }
}
