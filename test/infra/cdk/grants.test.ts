import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { beforeAll, describe, expect, test } from 'vitest';
import { catalogue } from '../../../api/catalogue.ts';
import { allCallers, type Caller, type Operation } from '../../../api/operation.ts';
import { isOfGroup, type OperationName, operationsOf, resourcesFor } from '../../../infra/callers.ts';
import { Tenure } from '../../../infra/tenure.ts';
import { newApp, permissions, resources, text } from './synthesised.ts';

const grants = {
  contender: 'grantContend',
  leader: 'grantLead',
  worker: 'grantWork',
  observer: 'grantObserve',
  operator: 'grantOperate',
} as const;
const everyone = allCallers;
const operations = (Object.keys(catalogue) as OperationName[]).filter(isOfGroup);
const declared = (operation: OperationName): Operation => catalogue[operation];
/** The reads that keep a worker registered count too. */
const writing = operations.filter((operation) => !declared(operation).callers.includes('observer'));

/** For each caller with a grant for the group `orders`, the patterns of METHOD/path that its policy allows. */
const patterns = new Map<Caller, string[]>();

beforeAll(() => {
  const { stack } = newApp();
  for (const caller of everyone) {
    stack.tenure[grants[caller]](
      'orders',
      new Role(stack, caller, { assumedBy: new ServicePrincipal('ec2.amazonaws.com') }),
    );
  }
  const granted = permissions(Template.fromStack(stack as Stack));
  for (const caller of everyone) {
    const own = granted.filter(({ role }) => role.startsWith(caller));
    expect(own.map(({ action }) => action)).toEqual(own.map(() => 'execute-api:Invoke'));
    patterns.set(
      caller,
      own.map(({ resource }) => /\/\$default\/(.*)$/.exec(resource)?.[1] ?? resource),
    );
  }
});

/** As IAM matches: a star stands for any text, slashes too. */
function matchesAny(allowed: readonly string[], request: string): boolean {
  return allowed.some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`).test(request);
  });
}

const allows = (caller: Caller, method: string, path: string) =>
  matchesAny(patterns.get(caller) ?? [], `${method}${path}`);

/**
 * Needs a job, log or worker that has the name of a part of a path: docs/permissions.md says to give none such a name.
 */
const beyondPrefix: Record<Caller, OperationName[]> = {
  contender: ['showJob', 'showCheckpoint', 'showLog', 'getBackup', 'getRestore'],
  leader: ['pollCommands', 'finishAttempt', 'attemptEntries'],
  worker: [
    'showJob',
    'listCheckpoints',
    'latestCheckpoint',
    'showCheckpoint',
    'discardCheckpoint',
    'discardCheckpoints',
    'discardSavepoint',
    'unshareBackup',
    'getRestore',
  ],
  observer: ['pollCommands', 'attemptEntries'],
  operator: [],
};

/** The size of a policy as IAM counts it: no white space; each reference as long as the longest of its kind. */
function sizeOf(document: unknown): number {
  return JSON.stringify(document, (_, value) =>
    value?.['Fn::Join']
      ? `arn:aws-us-gov:execute-api:ap-southeast-2:123456789012:abcdefghij${text(value).split('}').at(-1)}`
      : value,
  ).length;
}

function allowed(caller: Caller, group: string): OperationName[] {
  return operations.filter((operation) => {
    const { method, path } = catalogue[operation];
    return allows(caller, method, path.replace('{group}', group).replaceAll(/\{\w+\}/g, 'some-name'));
  });
}

/** Opened by the star of another GET; who has not got the attempt's secret is told that the attempt is superseded. */
const besides: Partial<Record<Caller, OperationName[]>> = {
  leader: ['attemptEntries'],
  observer: ['attemptEntries'],
};

describe('a policy', () => {
  test.for(everyone)('of a %s opens what it needs, and no more', (caller) => {
    const needed = [...operationsOf(caller), ...(besides[caller] ?? [])];
    expect(allowed(caller, 'orders').toSorted()).toEqual([...new Set(needed)].toSorted());
  });

  test('of an observer writes nothing', () => {
    const written = allowed('observer', 'orders').filter((operation) => writing.includes(operation));
    expect(written).toEqual(besides.observer);
    expect(allowed('observer', 'orders').map((operation) => catalogue[operation].method)).not.toContain('POST');
  });

  test('of an operator opens the whole group', () => {
    expect(allowed('operator', 'orders')).toEqual(operations);
  });

  test('of a leader leaves to operators what only they may do', () => {
    const forOperators = [
      'revoke',
      'deleteBackup',
      'shareBackup',
      'startRestore',
      'initializeReplica',
      'collectOrphans',
    ];
    for (const operation of forOperators) expect(allowed('leader', 'orders')).not.toContain(operation);
  });

  test('is given for every operation of a group, at least to operators; what observers may call are reads', () => {
    for (const operation of operations) {
      const { callers, method } = declared(operation);
      expect(callers, operation).toContain('operator');
      if (callers.includes('observer')) expect(method, operation).toBe('GET');
    }
    const others = (Object.keys(catalogue) as OperationName[]).filter((operation) => !isOfGroup(operation));
    for (const operation of others) expect(declared(operation).callers, operation).toEqual([]);
  });

  test.for(everyone)('of a %s opens no other group, and not the list of all', (caller) => {
    for (const other of ['orders-2', 'order', 'x', 'orders.eu', 'orders*', 'x/orders'])
      expect(allowed(caller, other)).toEqual([]);
    expect(allows(caller, 'GET', '/v1/groups')).toBe(false);
  });

  test.for(everyone)(
    'of a %s for all groups that begin alike opens those, and what star and names can be made to fit',
    (caller) => {
      const { stack } = newApp();
      const role = new Role(stack, 'prefixed', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
      stack.tenure[grants[caller]]('team-*', role);
      const own = permissions(Template.fromStack(stack as Stack)).filter(({ role: id }) => id.startsWith('prefixed'));
      const open = own.map(({ resource }) => /\/\$default\/(.*)$/.exec(resource)?.[1] ?? resource);
      // A caller that names a job, a log or a worker after a part of a path makes the most of a star.
      const words = new Set(
        operations.flatMap((one) => catalogue[one].path.split('/')).filter((word) => /^[a-z]/.test(word)),
      );
      const opened = operations.filter((operation) => {
        const { method, path } = catalogue[operation];
        const made = [...words, 'some-name'].map((word) =>
          path.replace('{group}', 'team-a').replaceAll(/\{\w+\}/g, word),
        );
        return made.some((one) => matchesAny(open, `${method}${one}`));
      });
      const beyond = opened.filter((operation) => !operationsOf(caller).includes(operation));
      expect(beyond).toEqual(beyondPrefix[caller]);
      for (const operation of operationsOf(caller)) expect(opened).toContain(operation);
      const others = operations.map(
        (one) => `${catalogue[one].method}${catalogue[one].path.replace('{group}', 'tea')}`,
      );
      expect(others.filter((one) => matchesAny(open, one.replaceAll(/\{\w+\}/g, 'x')))).toEqual([]);
    },
  );

  describe('for a hundred groups of the longest names', () => {
    const names = Array.from({ length: 100 }, (_, at) => `team-${String(at).padStart(123, '0')}`);
    const granted = (groups: string | string[], caller: Caller) => {
      const { stack } = newApp();
      const role = new Role(stack, 'many', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
      stack.tenure[grants[caller]](groups, role);
      const template = Template.fromStack(stack as Stack);
      return [...resources(template, 'AWS::IAM::Policy'), ...resources(template, 'AWS::IAM::ManagedPolicy')]
        .filter(({ id }) => id.startsWith('many'))
        .map(({ properties }) => sizeOf(properties.PolicyDocument));
    };

    test.for(everyone)('a %s has one prefix, in one policy that IAM takes', (caller) => {
      const [size = Number.POSITIVE_INFINITY, ...others] = granted('team-*', caller);
      expect(others).toEqual([]);
      expect(size).toBeLessThanOrEqual(10_240);
    });

    test.for([
      ['observer', 40],
      ['leader', 15],
      ['worker', 50],
      ['contender', 40],
      ['operator', 100],
    ] as const)('a %s has %i of them by name, in policies that IAM takes', ([caller, most]) => {
      const [inline = Number.POSITIVE_INFINITY, ...managed] = granted(names.slice(0, most), caller);
      expect(inline).toBeLessThanOrEqual(10_240);
      expect(managed.length).toBeLessThanOrEqual(10);
      for (const size of managed) expect(size).toBeLessThanOrEqual(6_144);
    });

    test('more than IAM takes are refused before anything is deployed, with what to do instead', () => {
      expect(() => granted(names, 'leader')).toThrow(
        /grants come to \d+ characters, more than IAM takes; grant a prefix/,
      );
    });
  });

  // Without white space: all inline policies of a role, and of a user.
  test.for([...everyone.map((caller) => [caller, 10_240] as const), ['operator', 2_048] as const])(
    'of a %s for the longest name has at most %i characters',
    ([caller, longest]) => {
      const resource = (path: string) => `arn:aws:execute-api:ap-southeast-2:123456789012:abcdefghij/${path}`;
      const Resource = resourcesFor(caller, 'g'.repeat(128)).map(resource);
      const statement = { Action: 'execute-api:Invoke', Effect: 'Allow', Resource };
      expect(JSON.stringify({ Version: '2012-10-17', Statement: [statement] }).length).toBeLessThanOrEqual(longest);
    },
  );

  test('for a group that is no name is refused', () => {
    const { stack } = newApp();
    const role = new Role(stack, 'caller', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    for (const group of ['a/b*', 'a/b', '', '**', 'or*ders'])
      expect(() => stack.tenure.grantLead(group, role)).toThrow(/must match/);
  });
});

test('another app takes Tenure into a stack of its own, and says only what differs', () => {
  const { app } = newApp();
  const shop = new Stack(app, 'shop');
  const { store, service } = new Tenure(shop, 'Coordination', { replicas: 1, maxClockSkewMs: 500 });
  const template = Template.fromStack(shop);
  expect(store.replicas).toHaveLength(1);
  expect(service.api.url).toMatch(/Token/);
  const variables = resources(template, 'AWS::Lambda::Function').map(
    ({ properties }) => properties.Environment.Variables,
  );
  expect(variables.map(({ TENURE_MAX_CLOCK_SKEW_MS }) => TENURE_MAX_CLOCK_SKEW_MS)).toEqual(variables.map(() => '500'));
  expect(variables.length).toBeGreaterThan(0);
  const second = { stage: 'prod', ephemeral: true };
  expect(() => new Tenure(shop, 'Other', second)).toThrow('stage=prod keeps its data');
  expect(() => new Tenure(shop, 'Another', { stage: 'blue' })).toThrow(
    'shop/Coordination is in the same stack as shop/Another: give each a stack of its own',
  );
});
