import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDynamoDbLocal } from '../../../emulator/dynamodb/dynamodb.ts';
import { startS3Server } from '../../../emulator/s3/server.ts';
import { backupTimes } from '../backups/times.ts';
import { project, type RunningStack, startStack } from '../stack.ts';
import { grantsOf } from './grants.ts';
import { guardDynamoDb, PermissionGuard } from './guard.ts';

export interface GuardedStack {
  stack: RunningStack;
  guard: PermissionGuard;
  /** Ends it and everything below it. */
  stop(): Promise<void>;
}

/** The whole system, in which each function may do to tables and objects what its role in the template allows, and nothing else. */
export async function startGuardedStack(): Promise<GuardedStack> {
  const folder = await mkdtemp(join(tmpdir(), 'tenure-guarded-'));
  const guard = new PermissionGuard(await grantsOf(project, 'infra/app.ts'));
  const [dynamodb, s3] = await Promise.all([
    startDynamoDbLocal(),
    startS3Server({ folder, onRequest: guard.onS3Request }),
  ]);
  const front = await guardDynamoDb(guard, dynamodb.endpoint);
  const env = {
    AWS_ENDPOINT_URL_DYNAMODB: front.endpoint,
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    TENURE_ANSWER_TIMEOUT_MS: String(backupTimes.answerMs),
    TENURE_SUSPEND_TIMEOUT_MS: String(backupTimes.suspendMs),
    TENURE_ABANDON_TIMEOUT_MS: String(backupTimes.abandonMs),
  };
  const stopStores = async () => {
    await Promise.all([front.stop(), s3.stop()]);
    await dynamodb.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const stack = await startStack({ env }).catch(async (cause: unknown) => {
    await stopStores();
    throw cause;
  });
  const stop = async () => {
    await stack.stop();
    await stopStores();
  };
  return { stack, guard, stop };
}
