import type { TestProject } from 'vitest/node';
import { startDynamoDbLocal } from '../../emulator/dynamodb/dynamodb.ts';

declare module 'vitest' {
  interface ProvidedContext {
    dynamodb: string;
    /** Whose DynamoDB that is. */
    store: 'DynamoDB Local' | 'MiniStack';
  }
}

/** Starts one DynamoDB Local for a test project; every test file makes its own tables in it. */
export default async function setup(project: TestProject) {
  const server = await startDynamoDbLocal();
  project.provide('dynamodb', server.endpoint);
  project.provide('store', 'DynamoDB Local');
  return () => server.stop();
}
