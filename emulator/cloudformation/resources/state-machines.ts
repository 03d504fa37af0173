import {
  CreateStateMachineCommand,
  ListStateMachinesCommand,
  type SFNClient,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import type { Deployment } from '../assembly/deployment.ts';

interface StateMachineProperties {
  DefinitionString?: string;
  Definition?: object;
  DefinitionSubstitutions?: Record<string, string>;
  RoleArn: string;
  StateMachineType?: 'STANDARD' | 'EXPRESS';
}

/** Creates or updates the state machines of the template; answers their ARNs by name. */
export async function createStateMachines(deployment: Deployment, client: SFNClient): Promise<Record<string, string>> {
  const arns: Record<string, string> = {};
  const machines = deployment.resources('AWS::StepFunctions::StateMachine');
  if (machines.length === 0) return arns;
  const { stateMachines = [] } = await client.send(new ListStateMachinesCommand({ maxResults: 1000 }));
  for (const machine of machines) {
    const properties = deployment.properties<StateMachineProperties>(machine);
    const name = deployment.attribute(machine, 'Name');
    const definition = definitionOf(properties);
    const present = stateMachines.find((candidate) => candidate.name === name)?.stateMachineArn;
    const arn = present ?? (await create(client, name, definition, properties));
    if (present) await client.send(new UpdateStateMachineCommand({ stateMachineArn: present, definition }));
    deployment.assign(machine, { ref: arn, Arn: arn });
    arns[name] = arn;
  }
  return arns;
}

async function create(client: SFNClient, name: string, definition: string, properties: StateMachineProperties) {
  const { RoleArn: roleArn, StateMachineType: type = 'STANDARD' } = properties;
  const answer = await client.send(new CreateStateMachineCommand({ name, definition, roleArn, type }));
  if (!answer.stateMachineArn) throw new Error(`CreateStateMachine answered no ARN for ${name}`);
  return answer.stateMachineArn;
}

function definitionOf({ DefinitionString, Definition, DefinitionSubstitutions = {} }: StateMachineProperties): string {
  const text = DefinitionString ?? JSON.stringify(Definition);
  return text.replace(/\$\{(\w+)\}/g, (whole, name: string) => DefinitionSubstitutions[name] ?? whole);
}
