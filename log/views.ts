/** Logs as callers see them. */
import { instant } from '../store/clock.ts';
import type { Configuration } from './protocol/configuration.ts';
import type { RegisteredLog } from './protocol/registry.ts';
import { type LogStatus, waitsFor } from './status.ts';

export const toLogView = ({ log, autoInitialize, createdAt }: RegisteredLog) => ({
  log,
  autoInitialize,
  createdAt: instant(createdAt),
});

/** Without what makes it read-only. */
export const toPlain = ({ version, replicas, next }: Configuration) => ({
  version,
  replicas: [...replicas],
  ...(next && { next: { ...next, replicas: [...next.replicas] } }),
});

export const toStatusView = (status: LogStatus) => {
  const { begin, end, quorum, voting, replicas } = status;
  const configuration = toPlain(status.configuration);
  const views = replicas.map((one) => {
    const { restoring: _, ...replica } = one;
    const reason = waitsFor(one, status);
    return reason === undefined ? replica : { ...replica, waitsFor: reason };
  });
  return { ...toLogView(status), begin, end, quorum, voting, configuration, replicas: views };
};
