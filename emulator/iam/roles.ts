import type { Deployment } from '../cloudformation/assembly/deployment.ts';
import { endOf, type Need } from './needs.ts';

interface Statement {
  Action: string | string[];
  Resource: string | string[];
}

interface Policy {
  PolicyDocument: { Statement: Statement[] };
}

/**
 * Rights according to the template: of each function by its name, of each state machine and schedule by the end of its
 * ARN.
 */
export type Grants = ReadonlyMap<string, readonly Need[]>;

export function grantsOf(deployment: Deployment): Grants {
  const functions = deployment.resources('AWS::Lambda::Function').map((resource) => {
    const { Role } = deployment.properties<{ Role: string }>(resource);
    return [deployment.reference(resource), grantsOfRole(deployment, Role)] as const;
  });
  const machines = deployment.resources('AWS::StepFunctions::StateMachine').map((resource) => {
    const { RoleArn } = deployment.properties<{ RoleArn: string }>(resource);
    return [endOf(deployment.attribute(resource, 'Arn')), grantsOfRole(deployment, RoleArn)] as const;
  });
  const schedules = deployment.resources('AWS::Scheduler::Schedule').map((resource) => {
    const { Target } = deployment.properties<{ Target: { RoleArn: string } }>(resource);
    return [endOf(deployment.attribute(resource, 'Arn')), grantsOfRole(deployment, Target.RoleArn)] as const;
  });
  return new Map([...functions, ...machines, ...schedules]);
}

function grantsOfRole(deployment: Deployment, roleArn: string): Need[] {
  const role = deployment.find('AWS::IAM::Role', roleArn);
  const policies = deployment
    .resources('AWS::IAM::Policy')
    .map((policy) => deployment.properties<Policy & { Roles: string[] }>(policy))
    .filter(({ Roles }) => role && Roles.includes(deployment.reference(role)));
  const { Policies: inline = [] } = role ? deployment.properties<{ Policies?: Policy[] }>(role) : {};
  return [...policies, ...inline].flatMap(({ PolicyDocument }) =>
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
