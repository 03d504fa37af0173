import { Annotations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { Settings } from './settings.ts';

/** Default quotas of an account in the larger Regions; `tenure doctor --stack` reads the real ones. */
const given = {
  apiRequestsPerSecond: 10_000,
  apiRequestsAtOnce: 5_000,
  functionsAtOnce: 1_000,
  /** Lambda lets nobody reserve the last of them. */
  functionsUnreserved: 100,
} as const;

/** Warns at synth of settings that an account fulfils only once its limits are raised. */
export function warnOfAccountLimits(scope: IConstruct, { throttles, reservedConcurrency }: Settings): void {
  const warn = (id: string, message: string) => Annotations.of(scope).addWarningV2(`tenure:${id}`, message);
  const advice = 'Ask for more (Service Quotas), then acknowledge this.';
  for (const [name, { rate, burst }] of Object.entries(throttles)) {
    if (rate <= given.apiRequestsPerSecond && burst <= given.apiRequestsAtOnce) continue;
    warn(
      `throttles.${name}`,
      `throttles ${name}=${rate}/${burst} is above what API Gateway gives an account in a Region, ${given.apiRequestsPerSecond}/${given.apiRequestsAtOnce}. ${advice}`,
    );
  }
  const reserved = Object.values(reservedConcurrency).reduce((sum, one) => sum + one, 0);
  const most = given.functionsAtOnce - given.functionsUnreserved;
  if (reserved > most)
    warn(
      'reservedConcurrency',
      `reservedConcurrency sets ${reserved} apart; Lambda gives an account ${given.functionsAtOnce} and keeps ${given.functionsUnreserved} unreserved, so that ${most} are left, or the deployment fails. ${advice}`,
    );
}
