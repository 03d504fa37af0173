import type { Finding } from './finding.ts';
import { type Quota, quotasOf } from './service-quotas.ts';

/**
 * A new account has about ten; Tenure asks for as many as leaders renew at once, besides what the minute and workers
 * hold.
 */
const enoughFunctions = 100;

interface Need {
  readonly check: string;
  /** As Service Quotas calls them. */
  readonly service: string;
  readonly quotas: readonly {
    readonly name: RegExp;
    readonly unit: string;
    readonly least: number;
  }[];
  /** The consequence of a limit below the least. */
  readonly otherwise: string;
}

/** Of the Region, shared by all that an account runs in it. The stage's own limits (`throttles`) come on top. */
const needs: readonly Need[] = [
  {
    check: 'api limits',
    service: 'apigateway',
    quotas: [
      { name: /^Throttle rate$/, unit: 'requests a second', least: 2_000 },
      { name: /^Throttle burst rate$/, unit: 'requests at once', least: 2_000 },
    ],
    otherwise: 'API Gateway refuses renewals (429) before the stage does',
  },
  {
    check: 'workflows',
    service: 'states',
    quotas: [
      { name: /^StateTransition throttle token refill rate/, unit: 'transitions a second', least: 100 },
      { name: /^StartExecution throttle token refill rate/, unit: 'starts a second', least: 10 },
    ],
    otherwise: 'backups, restores and recoveries of many groups at once take longer',
  },
  {
    check: 'events',
    service: 'events',
    quotas: [{ name: /^PutEvents throttle limit/, unit: 'calls a second', least: 100 }],
    otherwise: 'events arrive late, and after a day go to the queue of failures',
  },
];

/** The room that an account's limits in a Region leave to Tenure. A limit that cannot be read is a warning. */
export async function limitsOf(region: string | undefined): Promise<Finding[]> {
  const place = async () => region ?? (await (await import('../client/aws.ts')).defaultRegion());
  return Promise.all([
    reading('limits', 'lambda:GetAccountSettings', async () => functionsIn(await place())),
    ...needs.map((need) =>
      reading(need.check, 'servicequotas:ListServiceQuotas and servicequotas:ListAWSDefaultServiceQuotas', async () =>
        judged(need, await quotasOf(need.service, await place())),
      ),
    ),
    reading('log policies', 'logs:DescribeResourcePolicies', async () => logPoliciesIn(await place())),
  ]);
}

async function reading(check: string, action: string, read: () => Promise<Finding>): Promise<Finding> {
  try {
    return await read();
  } catch (error) {
    const found = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    return { check, status: 'warning', found, remedy: `Allow ${action} to these credentials.` };
  }
}

interface AccountLimit {
  readonly ConcurrentExecutions?: number;
  readonly UnreservedConcurrentExecutions?: number;
}

/** Concurrent Lambda executions, which leaders' renewals share with all else in the Region. */
async function functionsIn(region: string): Promise<Finding> {
  const { askAws } = await import('../client/aws.ts');
  const path = '/2016-08-19/account-settings/';
  const { status, text } = await askAws({ service: 'lambda', region, method: 'GET', path });
  const answer = JSON.parse(text || '{}') as { AccountLimit?: AccountLimit; Message?: string; message?: string };
  if (status !== 200) throw new Error(answer.message ?? answer.Message ?? text);
  const { ConcurrentExecutions = 0, UnreservedConcurrentExecutions = 0 } = answer.AccountLimit ?? {};
  const found = `Lambda runs ${ConcurrentExecutions} functions at once, ${UnreservedConcurrentExecutions} of them unreserved`;
  if (UnreservedConcurrentExecutions >= enoughFunctions) return { check: 'limits', status: 'ok', found };
  const remedy =
    ConcurrentExecutions >= 2 * enoughFunctions
      ? 'Reserved concurrency leaves too little for the rest: reserve less, or ask for more (Service Quotas, AWS Lambda, Concurrent executions).'
      : `Below ${enoughFunctions}, contenders and polls throttle leaders' renewals, and reservedConcurrency=lease=… cannot be set. Ask for 1,000 (Service Quotas, AWS Lambda, Concurrent executions); until then deploy with heldPolls=off.`;
  return { check: 'limits', status: 'warning', found, remedy };
}

function judged({ check, service, quotas, otherwise }: Need, listed: readonly Quota[]): Finding {
  const read = quotas.map((wanted) => ({ ...wanted, quota: listed.find(({ name }) => wanted.name.test(name)) }));
  const found = read.map(({ quota, unit }) => `${quota?.value ?? 'unknown'} ${unit}`).join(', ');
  const low = read.filter(({ quota, least }) => quota && quota.value < least);
  if (low.length > 0) {
    const asked = low.map(({ quota, least }) => `"${quota?.name}" of at least ${least}`).join(' and ');
    const remedy = `Below that ${otherwise}. Ask for ${asked} (Service Quotas, ${service}).`;
    return { check, status: 'warning', found, remedy };
  }
  if (read.every(({ quota }) => quota)) return { check, status: 'ok', found };
  const remedy = `Service Quotas lists no such quota for ${service} here: look at the console.`;
  return { check, status: 'warning', found, remedy };
}

const mostLogPolicies = 10;

/**
 * The stack uses policies of its own log groups. Only AWS's delivery of access logs and workflow logs needs one of the
 * ten of the Region, which all of the account share and AWS makes by itself while there is room.
 */
async function logPoliciesIn(region: string): Promise<Finding> {
  const { askAws } = await import('../client/aws.ts');
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'Logs_20140328.DescribeResourcePolicies',
  };
  const { status, text } = await askAws({ service: 'logs', region, method: 'POST', headers, body: '{"limit":50}' });
  const answer = JSON.parse(text || '{}') as {
    resourcePolicies?: { policyDocument?: string }[];
    message?: string;
  };
  if (status !== 200) throw new Error(answer.message ?? text);
  const { resourcePolicies = [] } = answer;
  const delivers = resourcePolicies.some(({ policyDocument = '' }) =>
    policyDocument.includes('delivery.logs.amazonaws.com'),
  );
  const found = `${resourcePolicies.length} of ${mostLogPolicies} resource policies of CloudWatch Logs`;
  if (delivers || resourcePolicies.length < mostLogPolicies) return { check: 'log policies', status: 'ok', found };
  const remedy =
    'None of them lets AWS deliver logs, so a stack with access logs cannot be created: delete one that nothing uses (aws logs delete-resource-policy).';
  return { check: 'log policies', status: 'warning', found, remedy };
}
