const kmsKeyArn = 'arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555';

/** Every setting once, and together those that touch the same resources. */
export const variants: Record<string, string>[] = [
  {},
  { stage: 'me', ephemeral: 'true', kmsKeyArn },
  { tracing: 'off' },
  {
    tracing: 'off',
    monitoring: 'full',
    ephemeral: 'true',
    restoreSources: 's3://archive/tenure/',
    backupTargets: 's3://vault/tenure/',
    delegation: 'off',
    heldPolls: 'off',
    journal: 'off',
  },
  { kmsKeyArn, monitoring: 'full', replicas: '5', replicaRegions: 'us-west-2,eu-west-1' },
  {
    replicas: '1',
    reservedConcurrency: 'lease=20,contend=5',
    throttles: 'contend=10/20',
    logRetentionDays: '7',
    payloadUndeleteDays: '30',
    maxClockSkewMs: '500',
    limits: 'jobs=20000,logs=50',
    cut: 'lockMs=10000,tries=10',
    backupTimeouts: 'attemptMs=172800000',
  },
];
