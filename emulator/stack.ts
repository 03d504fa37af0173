import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { routesOf } from './api-gateway/route-table.ts';
import { startGateway } from './api-gateway/server.ts';
import { startBackends } from './backends.ts';
import { Deployment } from './cloudformation/assembly/deployment.ts';
import { readAssembly } from './cloudformation/assembly/read.ts';
import { synthesise } from './cloudformation/assembly/synthesise.ts';
import { createBuckets } from './cloudformation/resources/buckets.ts';
import {
  accessOf,
  type Clients,
  clientsFor,
  closeClients,
  type Endpoints,
} from './cloudformation/resources/clients.ts';
import { createStateMachines } from './cloudformation/resources/state-machines.ts';
import { createTables } from './cloudformation/resources/tables.ts';
import { credentialsOf } from './credentials.ts';
import { takeDataFolder } from './data-folder.ts';
import { targetsOf } from './eventbridge/targets.ts';
import { PermissionGuard } from './iam/guard.ts';
import { grantsOf } from './iam/roles.ts';
import { functionsOf } from './lambda/environment.ts';
import { hostFunctions } from './lambda/host.ts';
import { isolatedInstances, sharedInstances } from './lambda/instances.ts';
import { weatherFrom } from './like-aws/interference.ts';
import { unreliableFunctions } from './like-aws/unreliable-functions.ts';
import { localOrders } from './local-orders.ts';
import type { Options } from './options.ts';
import type { Parts } from './parts.ts';
import { startTriggers, type Triggers } from './triggers.ts';

export interface Surroundings {
  project: string;
  /** Folder for what is made once and used again. */
  cache: string;
  /** A cloud assembly that was made before, instead of an app that is synthesised. */
  assembly?: string | undefined;
  options: Options;
  parts: Parts;
  report(line: string): void;
}

/** Far below AWS's usual 1,000, so that load meets it; above the 10 of a new account, or held polls take all. */
const accountConcurrency = 40;

/** Starts the parts in the order in which they need each other. Returns the address of the API. */
export async function bringUp(surroundings: Surroundings): Promise<string> {
  const { cache, options, parts, report } = surroundings;
  const folder = await takeDataFolder(options.data);
  parts.add({ stop: () => folder.release() });
  report(`data      ${folder.path}${folder.ephemeral ? ' (removed at the end)' : ''}`);

  const permissions = options.enforceRoles ? new PermissionGuard() : undefined;
  let triggers: Triggers | undefined;
  const door = { hosts: options.hosts, token: randomBytes(24).toString('base64url') };
  const weather = weatherFrom(options.likeAws);
  const orders = localOrders({ permissions, weather, fireByHand: (...order) => triggers?.fireByHand(...order) });
  const gateway = await startGateway(options.port, door, orders);
  const api = `http://127.0.0.1:${gateway.port}`;
  const likeAws = options.likeAws !== undefined;
  if (likeAws) report(`faults    as in AWS, from the seed ${options.likeAws}`);
  const access = accessOf(process.env, await credentialsOf(folder.path));
  const [backends, deployment] = await Promise.all([
    startBackends({ cache, folder, access, hosts: options.hosts, weather, permissions }),
    readTemplates(surroundings),
  ]);
  parts.add(backends);
  const { endpoints, services } = backends;

  const clients = clientsFor(endpoints, access);
  parts.add({ stop: () => closeClients(clients) });
  permissions?.enforce(grantsOf(deployment));
  const resources = await createResources(deployment, clients, endpoints, report);

  const localise = (text: string) => localised(deployment, api, services.endpoint, text);
  const logs = join(folder.path, 'logs');
  const hosted = functionsOf(deployment, { endpoints, access, services: services.endpoint, logFolder: logs, localise });
  const instances = likeAws ? isolatedInstances(accountConcurrency) : sharedInstances();
  const functions = parts.add(unreliableFunctions(hostFunctions(hosted, report, instances), weather));
  backends.serve(functions);
  const targets = targetsOf(deployment, {
    functions,
    stepFunctions: clients.stepFunctions,
    folder: folder.path,
    permissions,
    report,
  });
  services.serve({ functions, targets });
  report(`functions ${hosted.length} (logs in ${logs})`);

  const { streams } = clients;
  const { schedules: fireSchedules } = options;
  triggers = startTriggers(deployment, { functions, targets, streams, folder: folder.path, fireSchedules, report });
  parts.add(triggers);

  const routes = routesOf(deployment);
  gateway.serve(routes, functions);
  parts.add(gateway);
  report(`api       ${api} ${routes.length} routes`);
  for (const custom of customResources(deployment)) report(`skipped   ${custom}`);

  const outputs = Object.fromEntries(
    Object.entries(deployment.outputs()).map(([name, value]) => [name, localise(value)]),
  );
  await folder.describe({
    api,
    ...endpoints,
    services: services.endpoint,
    ...access,
    localToken: door.token,
    ...namesOf(resources, outputs),
    functions: hosted.map(({ name }) => name),
    schedules: triggers.schedules,
    outputs,
    eventsFile: join(folder.path, 'events.ndjson'),
    logs,
    pid: process.pid,
  });
  return api;
}

async function readTemplates({ project, cache, assembly, options, report }: Surroundings): Promise<Deployment> {
  const { app } = options;
  const synthesis = assembly
    ? { folder: assembly, how: 'ready-made' }
    : await synthesiseApp(project, join(cache, 'synth'), app, report);
  const stacks = await readAssembly(synthesis.folder);
  const names = stacks.map(({ name }) => name).join(', ');
  report(`template  ${assembly ? '' : `${app} `}${names} (${synthesis.how})`);
  return new Deployment(stacks);
}

async function synthesiseApp(project: string, cache: string, app: string, report: (line: string) => void) {
  const { folder, cached } = await synthesise(project, app, cache, (why) =>
    report(`template  ${app} is synthesised ${why}; this takes a while`),
  );
  return { folder, how: cached ? 'as synthesised before' : 'synthesised now' };
}

interface Resources {
  tables: string[];
  buckets: string[];
  /** ARNs by name. */
  stateMachines: Record<string, string>;
}

async function createResources(
  deployment: Deployment,
  clients: Clients,
  { dynamodb, s3, stepFunctions }: Endpoints,
  report: (line: string) => void,
): Promise<Resources> {
  const [tables, buckets] = await Promise.all([
    createTables(deployment, clients.dynamodb),
    createBuckets(deployment, clients.s3),
  ]);
  const stateMachines = await createStateMachines(deployment, clients.stepFunctions);
  report(`dynamodb  ${dynamodb} ${tables.join(', ')} (no point-in-time recovery here)`);
  report(`s3        ${s3} ${buckets.join(', ')} (no versioning and lifecycle rules here)`);
  report(`workflows ${stepFunctions} ${Object.keys(stateMachines).join(', ') || 'none'}`);
  return { tables, buckets, stateMachines };
}

function namesOf({ tables, buckets, stateMachines }: Resources, outputs: Record<string, string>) {
  const table = outputs['TableName'] ?? tables[0];
  const replicaTables = tables.filter((name) => name !== table);
  return { table, replicaTables, bucket: outputs['BucketName'] ?? buckets[0], stateMachines };
}

/** Replaces the addresses that a deployed function would get by those of this machine. */
function localised(deployment: Deployment, api: string, services: string, text: string): string {
  const apis = deployment
    .resources('AWS::ApiGatewayV2::Api')
    .map((resource) => deployment.attribute(resource, 'ApiEndpoint'));
  const queues = deployment
    .resources('AWS::SQS::Queue')
    .map((resource) => new URL(deployment.reference(resource)).origin);
  const withApi = apis.reduce((replaced, address) => replaced.replaceAll(address, api), text);
  return queues.reduce((replaced, address) => replaced.replaceAll(address, services), withApi);
}

function customResources(deployment: Deployment): string[] {
  return deployment
    .all()
    .filter(({ type }) => /^(Custom::|AWS::CloudFormation::CustomResource$)/.test(type))
    .map(({ type, path }) => `${type} ${path}`);
}
