import { type App, CfnElement, type Stack } from 'aws-cdk-lib';
import type { Caller } from '../api/operation.ts';
import { resourcesFor } from './callers.ts';

interface Resource {
  Type: string;
  Properties: {
    AssumeRolePolicyDocument: { Statement: { Principal: { Service: string } }[] };
    PolicyDocument: Document;
    Roles: { Ref: string }[];
    /** Of a role: what stands in itself. */
    Policies?: { PolicyDocument: Document }[];
  };
}

interface Document {
  Statement: { Action: string | string[]; Resource: unknown }[];
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
      const attached = resources
        .filter(
          ([, other]) => other.Type === 'AWS::IAM::Policy' && other.Properties.Roles.some(({ Ref }) => Ref === role),
        )
        .map(([, policy]) => policy.Properties);
      const rows = [...attached, ...(Properties.Policies ?? [])]
        .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
        .flatMap(({ Action, Resource }) =>
          [Resource].flat().map((resource) => `| ${written(resource, name)} | ${[Action].flat().join(', ')} |`),
        );
      const table = ['| on | may |', '|---|---|', ...rows.sort()].join('\n');
      return `## ${name(role)}\n\nUsed by ${services.join(', ')}.\n\n${table}\n`;
    });
  return [introduction, ...sections.sort(), deletions(resources, name), forCallers].join('\n');
}

const introduction = `# Permissions

The complete rights of each role of a deployment: no action and, but for
traces, the delivery of a workflow's log, the objects below a prefix and the list
of a table's streams, no resource is given by a wildcard.
Written by \`npm run permissions\` from the synthesised template; a test compares.
`;

/** Why a role may delete objects of the bucket; a role that is not here must not. */
const deletes: Record<string, string> = {
  backups:
    'the files of a backup that an operator deletes, and of an attempt that counts no more; the payloads of a group that an operator deletes',
  'backup-cut':
    'the end of a backup, and a cut that is given up: files of an attempt that counts no more, payloads whose deletion it held back',
  'backup-sweep':
    "what ended without its workflow, as above; what a deletion left; the oldest backups beyond the policy's number",
  jobs: 'a commit beyond `retain`, a discard, a recovery with `discardOlder`: what it dropped; orphans on command of an operator',
  minute: 'payloads of finished jobs; once an hour orphans',
};

function deletions(resources: [string, Resource][], name: (logicalId: string) => string): string {
  const roles = resources.filter(([, { Type, Properties }]) => Type === 'AWS::IAM::Policy' && mayDelete(Properties));
  const rows = roles
    .flatMap(([, { Properties }]) => Properties.Roles.map(({ Ref }) => name(Ref)))
    .map((role) => `| ${role} | ${deletes[role] ?? unexplained(role)} |`);
  return `# Who deletes objects

A version that is deleted stays for \`payloadUndeleteDays\` (3). Nobody deletes items of the main table:
what is over gets a time to live. The replicas' tables lose what was truncated.

| role | what and why |
|---|---|
${[...new Set(rows)].sort().join('\n')}
`;
}

function mayDelete({ PolicyDocument }: Resource['Properties']): boolean {
  return PolicyDocument.Statement.some(({ Action }) =>
    [Action].flat().some((action) => action.startsWith('s3:Delete')),
  );
}

function unexplained(role: string): never {
  throw new Error(`The role ${role} may delete objects, and infra/permissions.ts does not say why`);
}

const whatFor: Record<Caller, string> = {
  contender: 'A process that contends for the lease and needs nothing else.',
  leader: 'A process that contends, and does the work of the leader: jobs, checkpoints, logs, requests for backups.',
  worker: 'A standby that takes backups.',
  observer:
    'A client that looks for the leader, or a page that shows the group. It writes nothing but that its request is held.',
  operator: 'A person, or a tool of theirs.',
};

const forCallers = `# Policies for callers

Each is limited to the group \`orders\`: put your group, Region, account and API id in. Take the slash after the group with it, or
\`orders\` opens \`orders-2\`. The constructs' \`grantContend\`, \`grantLead\`, \`grantWork\`, \`grantObserve\` and \`grantOperate\` write the same,
for one group, for several, and for all whose names begin alike (\`team-*\`). A star of IAM takes slashes too: that a policy's statements open
no more than is meant is tested route by route. With \`team-*\` the star can reach into the rest of a path: give no job, log or worker of such
groups the name of a part of a path (\`jobs\`, \`logs\`, \`workers\`, \`leadership\`, …), or who may observe can poll for a worker called \`logs\`.
Give Allows for the groups that a caller needs; a Deny of one group is no protection, since a path can be spelled with escapes.
\`GET /v1/groups\`, the list of all groups, \`GET /v1/health\` and \`GET /v1/openapi.json\` belong to no group and stand in none of them.

A role takes about 10,000 characters inline and 60,000 in ten managed policies: some 15 groups of the longest names for a leader, 100 for
an operator, without end below one prefix. The constructs spread a role's grants over managed policies, and refuse what IAM would.

\`Leader-Session\` is no secret and no credential: it tells one term from the next, stands in answers and events, and a caller that may call
the group's routes may send it. The policy keeps strangers out; the fencing version keeps an old leader out.

# What groups of one stage share

Policies keep groups apart; load does not. Groups of one stage share
- the account's concurrency in Lambda, with all else that runs in the Region. \`reservedConcurrency\` sets some apart for \`lease\`; the throttles of
  the API keep contenders, and workers' polls, below what leaders need. A follower has one request held for each group, in the function
  \`observe\`: \`reservedConcurrency\` caps how many together;
- the throttles of the API: they count over all groups;
- tables: a group is one partition, so that a busy one throttles itself at 1,000 writes a second and, on demand, seldom another;
- the bucket, its request rates by prefix, and the settings of the stage, \`restoreSources\` and \`backupTargets\` among them;
- one event bus and one event log: who may read them reads the events of all groups.

Groups that must not disturb each other, or whose operators must not see each other's events, belong into stages of their own, and for
concurrency into accounts of their own.

${Object.entries(whatFor)
  .map(([caller, words]) => `## ${caller}\n\n${words}\n\n${policyFor(caller as Caller)}`)
  .join('\n')}`;

function policyFor(caller: Caller): string {
  const Resource = resourcesFor(caller, 'orders').map(
    (resource) => `arn:aws:execute-api:REGION:ACCOUNT:API/${resource}`,
  );
  const statement = { Effect: 'Allow', Action: 'execute-api:Invoke', Resource };
  return `\`\`\`json\n${JSON.stringify({ Version: '2012-10-17', Statement: [statement] }, null, 2)}\n\`\`\`\n`;
}

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
