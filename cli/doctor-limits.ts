import type { Finding } from './finding.ts';

/**
 * A new account has about ten; Tenure asks for as many as leaders renew at once, besides what the minute and workers
 * hold.
 */
const enough = 100;

/** The account's limit of concurrent Lambda executions, which leaders' renewals share with all else in the Region. */
export async function limitsOf(region: string | undefined): Promise<Finding> {
  const { askAws, defaultRegion } = await import('../client/aws.ts');
  try {
    const place = region ?? (await defaultRegion());
    const path = '/2016-08-19/account-settings/';
    const { status, text } = await askAws({ service: 'lambda', region: place, method: 'GET', path });
    const { AccountLimit = {}, Message = text, message = Message } = JSON.parse(text || '{}');
    if (status !== 200) throw new Error(message);
    return judged(AccountLimit);
  } catch (error) {
    const found = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    return {
      check: 'limits',
      status: 'warning',
      found,
      remedy: 'Allow lambda:GetAccountSettings to these credentials.',
    };
  }
}

interface AccountLimit {
  readonly ConcurrentExecutions?: number;
  readonly UnreservedConcurrentExecutions?: number;
}

function judged({ ConcurrentExecutions = 0, UnreservedConcurrentExecutions = 0 }: AccountLimit): Finding {
  const found = `Lambda runs ${ConcurrentExecutions} functions at once, ${UnreservedConcurrentExecutions} of them unreserved`;
  if (UnreservedConcurrentExecutions >= enough) return { check: 'limits', status: 'ok', found };
  const remedy =
    ConcurrentExecutions >= 2 * enough
      ? 'Reserved concurrency leaves too little for the rest: reserve less, or ask for more (Service Quotas, AWS Lambda, Concurrent executions).'
      : `Below ${enough}, contenders and polls throttle leaders' renewals, and reservedConcurrency=lease=… cannot be set. Ask for 1,000 (Service Quotas, AWS Lambda, Concurrent executions).`;
  return { check: 'limits', status: 'warning', found, remedy };
}
