/** A limit of an account in a Region. */
export interface Quota {
  readonly name: string;
  readonly value: number;
}

interface Answer {
  readonly Quotas?: readonly { readonly QuotaName?: string; readonly Value?: number }[];
  readonly NextToken?: string;
  readonly message?: string;
  readonly Message?: string;
}

/** Of a service some 50 are known; each page may hold 100. */
const mostPages = 10;

/**
 * The limits of a service: those that AWS has raised or lowered for this account, and its defaults for the rest.
 * @throws Error when they cannot be read
 */
export async function quotasOf(service: string, region: string): Promise<Quota[]> {
  const [applied, defaults] = await Promise.all([
    listQuotas('ListServiceQuotas', service, region),
    listQuotas('ListAWSDefaultServiceQuotas', service, region),
  ]);
  return [...new Map([...defaults, ...applied].map((quota) => [quota.name, quota])).values()];
}

async function listQuotas(operation: string, ServiceCode: string, region: string): Promise<Quota[]> {
  const { askAws } = await import('../client/aws.ts');
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `ServiceQuotasV20190624.${operation}`,
  };
  const found: Quota[] = [];
  let NextToken: string | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    const body = JSON.stringify({ ServiceCode, MaxResults: 100, NextToken });
    const { status, text } = await askAws({ service: 'servicequotas', region, method: 'POST', headers, body });
    const answer = JSON.parse(text || '{}') as Answer;
    if (status !== 200) throw new Error(answer.message ?? answer.Message ?? text);
    for (const { QuotaName, Value } of answer.Quotas ?? [])
      if (QuotaName !== undefined && Value !== undefined) found.push({ name: QuotaName, value: Value });
    NextToken = answer.NextToken;
    if (NextToken === undefined) break;
  }
  return found;
}
