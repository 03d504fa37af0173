import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { catalogue } from '../../../api/catalogue.ts';
import type { Operation } from '../../../api/operation.ts';
import { sizes } from '../../sizes.ts';
import { type FuzzedRequest, type Known, requestsTo } from '../../support/fuzz/requests.ts';
import { send } from '../../support/fuzz/send.ts';
import { expectContract, isRefused } from './contract.ts';
import { prepare } from './prepared.ts';
import { openStores } from './stores.ts';

const stack = inject('stack');
const stores = openStores(stack);
const operations = Object.entries<Operation>(catalogue).map(([name, operation]) => ({ name, operation }));
const prefix = `fuzz-${process.pid}-`;
/** The one request that each group was ever sent, when it was refused. */
const refused = new Map<string, { request: FuzzedRequest; malformed: boolean }>();
let groups = 0;

function newGroup(): string {
  groups += 1;
  return `${prefix}${groups}-`;
}

const runs = { numRuns: sizes.security.hostileRequests, endOnFailure: true } as const;

describe.concurrent('a group that is not there yet', () => {
  test.for(operations)('$name', async ({ operation }) => {
    const property = fc.asyncProperty(requestsTo(operation, { group: 'GROUP' }), async (written) => {
      const group = newGroup();
      const request = { ...written, path: written.path.replace('GROUP', group) };
      const answer = await send(stack.api, request);
      expectContract(operation, request, answer);
      if (isRefused(answer)) refused.set(group, { request, malformed: answer.status === 400 });
    });
    await fc.assert(property, runs);
  });
});

describe.concurrent('a group with a leader, a job and a worker', () => {
  // The log's operations have a turn of their own below, one after the other.
  test.for(operations.filter(({ operation }) => !operation.path.includes('{log}')))('$name', async ({ operation }) => {
    const group = newGroup();
    const known = await prepare(stack.api, group);
    // Work started by an accepted request keeps writing; before that, nothing may change.
    let quiet = true;
    const property = fc.asyncProperty(requestsTo(operation, known), async (request) => {
      const before = quiet ? await stores.contents(group) : undefined;
      const answer = await send(stack.api, request);
      expectContract(operation, request, answer);
      if (!isRefused(answer)) quiet &&= operation.method === 'GET';
      else if (before && quiet && answer.status !== 409) expect(await stores.contents(group)).toEqual(before);
    });
    await fc.assert(property, runs);
  });
});

describe('a log that has a writer', () => {
  let known: Known;
  beforeAll(async () => {
    known = await prepare(stack.api, newGroup(), { log: true });
  });

  test.for(operations.filter(({ operation }) => operation.path.includes('{log}')))('$name', async ({ operation }) => {
    const property = fc.asyncProperty(requestsTo(operation, known), async (request) => {
      expectContract(operation, request, await send(stack.api, request));
    });
    await fc.assert(property, runs);
  });
});

afterAll(async () => {
  const written = await stores.groupsWith(prefix);
  const writers = (groups: Set<string>, malformed: boolean) =>
    [...refused].flatMap(([group, of]) =>
      groups.has(group) && (of.malformed || !malformed) ? [`${group} ${of.request.method} ${of.request.path}`] : [],
    );
  expect(refused.size).toBeGreaterThan(operations.length);
  expect(writers(written.items, false), 'refused requests that wrote items').toEqual([]);
  expect(writers(written.objects, true), 'malformed requests that wrote objects').toEqual([]);
});
