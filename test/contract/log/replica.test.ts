import { describe, inject } from 'vitest';
import { MemoryReplica } from '../../support/log/memory-replica.ts';
import { replicaOn } from '../../support/log/tables.ts';
import { replicaContract } from './replica-contract.ts';

describe('a replica in memory', () => {
  replicaContract(async () => new MemoryReplica('1').port());
});

describe('a replica on its table', () => {
  replicaContract(async () => (await replicaOn(inject('dynamodb'))).replica);
});
