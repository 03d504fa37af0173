import { type App, CfnElement, type Stack } from 'aws-cdk-lib';

interface Resource {
  Type: string;
  Properties: {
    AssumeRolePolicyDocument: { Statement: { Principal: { Service: string } }[] };
    PolicyDocument: { Statement: { Action: string | string[]; Resource: unknown }[] };
    Roles: { Ref: string }[];
  };
}

/** Writes down, from the synthesised template, what each role of the stack may do: a page in Markdown. */
export function describePermissions(stack: Stack): string {
  const { template } = (stack.node.root as App).synth().getStackArtifact(stack.artifactId);
  const resources = Object.entries((template as { Resources: Record<string, Resource> }).Resources);
  const name = namesIn(stack);
  const sections = resources
    .filter(([, { Type }]) => Type === 'AWS::IAM::Role')
    .map(([role, { Properties }]) => {
      const services = Properties.AssumeRolePolicyDocument.Statement.map(({ Principal }) => Principal.Service);
      const rows = resources
        .filter(
          ([, other]) => other.Type === 'AWS::IAM::Policy' && other.Properties.Roles.some(({ Ref }) => Ref === role),
        )
        .flatMap(([, policy]) => policy.Properties.PolicyDocument.Statement)
        .flatMap(({ Action, Resource }) =>
          [Resource].flat().map((resource) => `| ${written(resource, name)} | ${[Action].flat().join(', ')} |`),
        );
      const table = ['| on | may |', '|---|---|', ...rows.sort()].join('\n');
      return `## ${name(role)}\n\nUsed by ${services.join(', ')}.\n\n${table}\n`;
    });
  return `${introduction}\n${sections.sort().join('\n')}`;
}

const introduction = `# Permissions

What each role of a deployment may do, and nothing else: no action and, but for
traces, the delivery of a workflow's log, the objects below a prefix and the list
of a table's streams, no resource is given by a wildcard.
Written by \`npm run permissions\` from the synthesised template; a test compares.
`;

/** Where a resource stands among the constructs, without what all of them have in common. */
function namesIn(stack: Stack): (logicalId: string) => string {
  const elements = stack.node.findAll().filter((node) => CfnElement.isCfnElement(node));
  const names = new Map(elements.map((element) => [stack.resolve(element.logicalId) as string, element.node.path]));
  return (logicalId) => {
    const path = names.get(logicalId) ?? logicalId;
    return path
      .replace(`${stack.node.path}/Tenure/`, '')
      .replace(/(-role)?\/Resource$/, '')
      .replace(/^Service\//, '');
  };
}

function written(value: unknown, name: (logicalId: string) => string): string {
  if (typeof value === 'string') return value;
  const node = value as { Ref?: string; 'Fn::GetAtt'?: [string, string]; 'Fn::Join'?: [string, unknown[]] };
  if (node.Ref) return name(node.Ref);
  if (node['Fn::GetAtt']) return name(node['Fn::GetAtt'][0]);
  if (node['Fn::Join']) return node['Fn::Join'][1].map((part) => written(part, name)).join(node['Fn::Join'][0]);
  return JSON.stringify(value);
}
