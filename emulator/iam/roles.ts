import type { Deployment } from '../cloudformation/assembly/deployment.ts';
import { endOf, type Need } from './needs.ts';

interface Statement {
  Action: string | string[];
  Resource: string | string[];
}

/** Each function's rights according to the template, by its name. */
export type Grants = ReadonlyMap<string, readonly Need[]>;

export function grantsOf(deployment: Deployment): Grants {
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

/** Whether one of the grants covers the need. A star stands for any text, as in IAM. */
export function covers(grants: readonly Need[], { action, resource }: Need): boolean {
  return grants.some((grant) => {
    if (grant.action !== action) return false;
    if (resource.endsWith('/*')) return grant.resource.startsWith(resource.slice(0, -1));
    const parts = grant.resource.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`, 's').test(resource);
  });
}
