import { type Deployment, deploymentOf } from '../../../emulator/cloudformation/assembly/deployment.ts';
import { readAssembly } from '../../../emulator/cloudformation/assembly/read.ts';
import { synthesise } from '../../../emulator/cloudformation/assembly/synthesise.ts';
import type { Need } from './needs.ts';

interface Statement {
  Action: string | string[];
  Resource: string | string[];
}

/** Each function's rights according to the template, by its name. */
export type Grants = ReadonlyMap<string, readonly Need[]>;

export async function grantsOf(project: string, app: string): Promise<Grants> {
  const deployment = deploymentOf(await readAssembly((await synthesise(project, app, () => {})).folder));
  return new Map(
    deployment.resources('AWS::Lambda::Function').map((resource) => {
      const { Role } = deployment.properties<{ Role: string }>(resource);
      return [deployment.reference(resource), grantsOfRole(deployment, Role)];
    }),
  );
}

function grantsOfRole(deployment: Deployment, roleArn: string): Need[] {
  const role = deployment.find('AWS::IAM::Role', roleArn);
  const policies = deployment
    .resources('AWS::IAM::Policy')
    .map((policy) => deployment.properties<{ Roles: string[]; PolicyDocument: { Statement: Statement[] } }>(policy))
    .filter(({ Roles }) => role && Roles.includes(deployment.reference(role)));
  return policies.flatMap(({ PolicyDocument }) =>
    PolicyDocument.Statement.flatMap(({ Action, Resource }) =>
      [Action].flat().flatMap((action) => [Resource].flat().map((arn) => ({ action, resource: endOf(arn) }))),
    ),
  );
}

function endOf(arn: string): string {
  return arn.split(':').slice(5).join(':') || arn;
}

/** Whether one of the grants covers the need. A star stands for any text, as in IAM. */
export function covers(grants: readonly Need[], { action, resource }: Need): boolean {
  return grants.some((grant) => {
    if (grant.action !== action) return false;
    if (resource.endsWith('/*')) return grant.resource.startsWith(resource.slice(0, -1));
    const parts = grant.resource.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`, 's').test(resource);
  });
}
