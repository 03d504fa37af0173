import { limitsOf } from '../../cli/doctor-limits.ts';
import type { Finding } from '../../cli/finding.ts';
import { askAws, readStack } from '../../client/aws.ts';

/**
 * Needs of a run on AWS before it creates anything: credentials, the CDK's bootstrap, limits, and no stage of before.
 */
export async function preflight(region: string, stack: string): Promise<Finding[]> {
  const stacks = [bootstrapped(region), absent(stack, region)];
  return [await caller(region), ...(await Promise.all(stacks)), ...(await limitsOf(region))];
}

/** The account, of which only the last digits are shown. */
async function caller(region: string): Promise<Finding> {
  const body = new URLSearchParams({ Action: 'GetCallerIdentity', Version: '2011-06-15' }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const remedy = 'Set AWS_PROFILE, or run aws configure or aws sso login.';
  try {
    const { status, text } = await askAws({ service: 'sts', region, method: 'POST', headers, body });
    const account = /<Account>(\d+)<\/Account>/.exec(text)?.[1];
    if (account)
      return { check: 'credentials', status: 'ok', found: `account …${account.slice(-4)}, Region ${region}` };
    return { check: 'credentials', status: 'failed', found: `GetCallerIdentity: ${status}`, remedy };
  } catch (error) {
    return { check: 'credentials', status: 'failed', found: String(error), remedy };
  }
}

async function bootstrapped(region: string): Promise<Finding> {
  const check = 'bootstrap';
  const found = await outputsOf('CDKToolkit', region);
  if (found) return { check, status: 'ok', found: `version ${found.get('BootstrapVersion')}` };
  return { check, status: 'failed', found: 'no stack CDKToolkit', remedy: 'Run npx cdk bootstrap once.' };
}

async function absent(stack: string, region: string): Promise<Finding> {
  const check = 'stage';
  if (!(await outputsOf(stack, region))) return { check, status: 'ok', found: `${stack} does not exist` };
  return { check, status: 'failed', found: `${stack} exists`, remedy: `Run npx cdk destroy ${stack}, or wait.` };
}

async function outputsOf(stack: string, region: string): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    return (await readStack(stack, region)).outputs;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'not_found') return undefined;
    throw error;
  }
}
