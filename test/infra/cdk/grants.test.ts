import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { beforeAll, describe, expect, test } from 'vitest';
import { catalogue } from '../../../functions/operations/catalogue.ts';
import type { Operation } from '../../../functions/platform/operation.ts';
import { Tenure } from '../../../infra/tenure.ts';
import { newApp, permissions, resources } from './synthesised.ts';

const grants = ['grantLead', 'grantContend', 'grantWork', 'grantObserve', 'grantOperate'] as const;
const operations = Object.values<Operation>(catalogue).filter(({ path }) => path.includes('{group}'));

/** For each grant for the group `orders`, the patterns of METHOD/path that its policy allows. */
const patterns = new Map<string, string[]>();

beforeAll(() => {
  const { stack } = newApp();
  for (const grant of grants) {
    stack.tenure[grant]('orders', new Role(stack, grant, { assumedBy: new ServicePrincipal('ec2.amazonaws.com') }));
  }
  const granted = permissions(Template.fromStack(stack as Stack));
  for (const grant of grants) {
    const own = granted.filter(({ role }) => role.startsWith(grant));
    expect(own.map(({ action }) => action)).toEqual(own.map(() => 'execute-api:Invoke'));
    patterns.set(
      grant,
      own.map(({ resource }) => /\/\$default\/(.*)$/.exec(resource)?.[1] ?? resource),
    );
  }
});

/** As IAM matches: a star stands for any text, slashes too. */
function allows(grant: string, method: string, path: string): boolean {
  return (patterns.get(grant) ?? []).some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`).test(`${method}${path}`);
  });
}

function requests(group: string) {
  return operations.map((operation) => ({
    operation,
    path: operation.path.replace('{group}', group).replaceAll(/\{\w+\}/g, 'some-name'),
  }));
}

describe('grants', () => {
  /** What a grant allows of these operations, by METHOD and last part of the path. */
  const allowed = (grant: string, asked: readonly (readonly [method: string, path: string])[]) =>
    asked.filter(([method, path]) => allows(grant, method, `/v1/groups/orders/${path}`)).map(([, path]) => path);

  const leadership = [
    ['POST', 'leadership/contend'],
    ['POST', 'leadership/confirm'],
    ['POST', 'leadership/renew'],
    ['POST', 'leadership/resign'],
    ['GET', 'leadership'],
  ] as const;
  const leaders = [
    ['POST', 'recovery'],
    ['PUT', 'jobs/count'],
    ['POST', 'jobs/count/checkpoints'],
    ['DELETE', 'jobs/count/savepoints/3'],
    ['PUT', 'logs/journal'],
    ['POST', 'logs/journal/writer'],
    ['POST', 'logs/journal/entries'],
    ['POST', 'logs/journal/truncate'],
    ['POST', 'backups'],
  ] as const;
  const workers = [
    ['PUT', 'workers/standby'],
    ['GET', 'workers/standby/commands'],
    ['POST', 'workers/standby/commands/1/answer'],
    ['POST', 'backups/some/attempts/1/heartbeat'],
    ['POST', 'backups/some/attempts/1/files'],
    ['DELETE', 'workers/standby'],
  ] as const;
  const operators = [
    ['POST', 'leadership/revoke'],
    ['POST', 'orphans/collect'],
    ['POST', 'logs/journal/replicas/1/initialize'],
    ['POST', 'logs/journal/replicas/1/recover'],
    ['POST', 'backups/some/cancel'],
    ['DELETE', 'backups/some'],
    ['POST', 'backups/some/share'],
    ['PUT', 'backup-policy'],
    ['POST', 'restore'],
  ] as const;
  const paths = (asked: readonly (readonly [string, string])[]) => asked.map(([, path]) => path);
  const everything = [...leadership, ...leaders, ...workers, ...operators];

  test.each([
    ['grantContend', [...leadership]],
    ['grantLead', [...leadership, ...leaders]],
    ['grantWork', [leadership[4], ...workers]],
    ['grantOperate', everything],
  ] as const)('%s allows its own requests and no other', (grant, own) => {
    expect(allowed(grant, everything)).toEqual(paths(own));
  });

  test('an observer may read, and change nothing', () => {
    for (const { operation, path } of requests('orders')) {
      const reads = operation.method === 'GET' && !path.endsWith('/commands');
      expect(allows('grantObserve', operation.method, path), path).toBe(reads);
    }
  });

  test('an operator may do everything in the group', () => {
    for (const { operation, path } of requests('orders')) {
      expect(allows('grantOperate', operation.method, path), path).toBe(true);
    }
  });

  test.each(grants)('%s opens no other group, and not the list of all', (grant) => {
    for (const other of ['orders-2', 'order', 'x', 'orders.eu']) {
      for (const { operation, path } of requests(other))
        expect(allows(grant, operation.method, path), path).toBe(false);
    }
    expect(allows(grant, 'GET', '/v1/groups')).toBe(false);
  });

  test('a group that is no name is refused', () => {
    const { stack } = newApp();
    const role = new Role(stack, 'caller', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    for (const group of ['*', 'a/b', '', 'orders*'])
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
  expect(() => new Tenure(shop, 'Other', { stage: 'prod', ephemeral: true })).toThrow('stage=prod keeps its data');
});
