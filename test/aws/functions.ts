import { askAws } from '../../client/aws.ts';
import { stage } from './target.ts';

export interface DeployedFunction {
  readonly name: string;
  /** The name of its role. */
  readonly role: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly traced: boolean;
}

interface Listed {
  readonly FunctionName: string;
  readonly Role: string;
  readonly Environment?: { readonly Variables: Readonly<Record<string, string>> };
  readonly TracingConfig?: { readonly Mode: string };
}

/** The function of the stage that the template calls so. */
export async function functionNamed(region: string, name: string): Promise<DeployedFunction> {
  const start = new RegExp(`^tenure-${stage}-TenureService${name}[0-9A-F]{8}-`);
  let Marker: string | undefined;
  for (let page = 0; page < 40; page += 1) {
    const path = `/2015-03-31/functions/?MaxItems=50${Marker ? `&Marker=${encodeURIComponent(Marker)}` : ''}`;
    const { status, text } = await askAws({ service: 'lambda', region, method: 'GET', path });
    if (status !== 200) throw new Error(`ListFunctions: ${status} ${text}`);
    const listed = JSON.parse(text) as { Functions: Listed[]; NextMarker?: string };
    const found = listed.Functions.find(({ FunctionName }) => start.test(FunctionName));
    if (found) {
      return {
        name: found.FunctionName,
        role: found.Role.split('/').at(-1) ?? '',
        environment: found.Environment?.Variables ?? {},
        traced: found.TracingConfig?.Mode === 'Active',
      };
    }
    Marker = listed.NextMarker;
    if (!Marker) break;
  }
  throw new Error(`The account has no function ${start}`);
}

/** Sets concurrency apart for a function; undefined ends that. */
export async function setConcurrency(region: string, name: string, count: number | undefined): Promise<void> {
  const path = `/2017-10-31/functions/${name}/concurrency`;
  const method = count === undefined ? 'DELETE' : 'PUT';
  const body = count === undefined ? {} : { body: JSON.stringify({ ReservedConcurrentExecutions: count }) };
  const { status, text } = await askAws({ service: 'lambda', region, method, path, ...body });
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
}
