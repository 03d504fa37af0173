import { join } from 'node:path';
import { routesOf } from './api-gateway/route-table.ts';
import { json, startGateway } from './api-gateway/server.ts';
import { type Deployment, deploymentOf } from './cloudformation/assembly/deployment.ts';
import { readAssembly } from './cloudformation/assembly/read.ts';
import { synthesise } from './cloudformation/assembly/synthesise.ts';
import { createBuckets } from './cloudformation/resources/buckets.ts';
import { clientsFor, closeClients, type Endpoints, givenEndpoints } from './cloudformation/resources/clients.ts';
import { createStateMachines } from './cloudformation/resources/state-machines.ts';
import { createTables } from './cloudformation/resources/tables.ts';
import { type DataFolder, takeDataFolder } from './data-folder.ts';
import { startDynamoDbLocal } from './dynamodb/dynamodb.ts';
import { schedulesOf } from './eventbridge/schedules/schedules.ts';
import { startTimers, type Timed } from './eventbridge/schedules/timers.ts';
import { targetsOf } from './eventbridge/targets.ts';
import { functionsOf } from './lambda/environment.ts';
import { type FunctionHost, hostFunctions } from './lambda/host.ts';
import type { Options } from './options.ts';
import { startServices } from './services.ts';
import { acceptedIn } from './step-functions/accepted-definitions.ts';
import { mappingsOf, startPollers } from './streams/mappings.ts';

export interface Surroundings {
  project: string;
  options: Options;
  report(line: string): void;
  /** Registers how to stop a part; parts stop in the opposite order. */
  onStop(stop: () => Promise<void> | void): void;
}

/** Brings the parts up in the order in which they need each other. Answers the address of the API. */
export async function bringUp({ project, options, report, onStop }: Surroundings): Promise<string> {
  const folder = await takeDataFolder(options.data);
  onStop(() => folder.release());
  report(`data      ${folder.path}${folder.ephemeral ? ' (removed at the end)' : ''}`);

  let schedules: Timed[] = [];
  const gateway = await startGateway(options.port, async (method, path, body) =>
    fireByHand(schedules, method, path, body),
  );
  const api = `http://127.0.0.1:${gateway.port}`;

  const given = givenEndpoints(process.env);
  const [dynamodb, services, deployment] = await Promise.all([
    given.dynamodb ?? startDynamoDb(folder, onStop),
    startServices(),
    synthesiseApp(project, options.app, report),
  ]);
  onStop(() => services.stop());

  let ready: (functions: FunctionHost) => void = () => {};
  const functionHost = new Promise<FunctionHost>((resolve) => {
    ready = resolve;
  });
  const [s3, stepFunctions] = await Promise.all([
    given.s3 ?? startS3(folder, onStop),
    given.stepFunctions ?? startWorkflows(project, folder, functionHost, onStop),
  ]);
  const endpoints: Endpoints = { dynamodb, s3, stepFunctions };
  const clients = clientsFor(endpoints);
  onStop(() => closeClients(clients));

  const [tables, buckets] = await Promise.all([
    createTables(deployment, clients.dynamodb),
    createBuckets(deployment, clients.s3),
  ]);
  const stateMachines = await createStateMachines(deployment, clients.stepFunctions);
  report(`dynamodb  ${dynamodb} ${tables.join(', ')} (no point-in-time recovery here)`);
  report(`s3        ${s3} ${buckets.join(', ')} (no versioning and lifecycle rules here)`);
  report(`workflows ${stepFunctions} ${Object.keys(stateMachines).join(', ') || 'none'}`);

  const localise = (text: string) => localised(deployment, api, services.endpoint, text);
  const hosted = functionsOf(deployment, {
    endpoints,
    services: services.endpoint,
    logFolder: join(folder.path, 'logs'),
    localise,
  });
  const functions = hostFunctions(hosted, report);
  ready(functions);
  const targets = targetsOf(deployment, {
    functions,
    stepFunctions: clients.stepFunctions,
    folder: folder.path,
    report,
  });
  services.serve(functions, targets);
  report(`functions ${hosted.length} (logs in ${join(folder.path, 'logs')})`);

  schedules = schedulesOf(deployment, targets.send, Date.now());
  const stopTimers = options.schedules ? startTimers(schedules) : () => {};
  report(`schedules ${schedules.length}${options.schedules ? '' : ' (off: --no-schedules)'}`);

  const mappings = mappingsOf(deployment);
  const pollers = startPollers(mappings, {
    streams: clients.streams,
    functions,
    targets,
    folder: join(folder.path, 'streams'),
    report,
  });
  report(`streams   ${mappings.length}`);
  onStop(async () => {
    stopTimers();
    targets.asynchronous.stop();
    await Promise.all([pollers.stop(), functions.stop()]);
  });

  const routes = routesOf(deployment);
  gateway.serve(routes, functions);
  onStop(() => gateway.stop());
  report(`api       ${api} ${routes.length} routes`);
  for (const custom of customResources(deployment)) report(`skipped   ${custom}`);

  const outputs = Object.fromEntries(
    Object.entries(deployment.outputs()).map(([name, value]) => [name, localise(value)]),
  );
  const table = outputs['TableName'] ?? tables[0];
  await folder.describe({
    api,
    dynamodb,
    s3,
    stepFunctions,
    services: services.endpoint,
    table,
    replicaTables: tables.filter((name) => name !== table),
    bucket: outputs['BucketName'] ?? buckets[0],
    stateMachines,
    functions: hosted.map(({ name }) => name),
    schedules: schedules.map(({ name }) => name),
    outputs,
    eventsFile: join(folder.path, 'events.ndjson'),
    logs: join(folder.path, 'logs'),
    pid: process.pid,
  });
  return api;
}

async function synthesiseApp(project: string, app: string, report: (line: string) => void): Promise<Deployment> {
  const { folder, cached } = await synthesise(project, app, () =>
    report(`template  ${app} changed since it was last synthesised, this takes a while`),
  );
  const stacks = await readAssembly(folder);
  report(
    `template  ${app} ${stacks.map(({ name }) => name).join(', ')} (${cached ? 'as synthesised before' : 'synthesised now'})`,
  );
  return deploymentOf(stacks);
}

type OnStop = Surroundings['onStop'];

async function startDynamoDb(folder: DataFolder, onStop: OnStop): Promise<string> {
  const server = await startDynamoDbLocal(folder.ephemeral ? {} : { folder: join(folder.path, 'dynamodb') });
  onStop(() => server.stop());
  return server.endpoint;
}

async function startS3(folder: DataFolder, onStop: OnStop): Promise<string> {
  const { startS3Server } = await import('./s3/server.ts');
  const server = await startS3Server({ folder: join(folder.path, 's3'), port: 0 });
  onStop(() => server.stop());
  return server.endpoint;
}

async function startWorkflows(
  project: string,
  folder: DataFolder,
  host: Promise<FunctionHost>,
  onStop: OnStop,
): Promise<string> {
  const { startStepFunctions } = await import('./step-functions/server.ts');
  const server = await startStepFunctions({
    folder: join(folder.path, 'step-functions'),
    port: 0,
    // Next to the packages, one of which checks them: a new version of it comes with a new folder.
    accepted: acceptedIn(join(project, 'node_modules/.cache/tenure/definitions')),
    // An execution that was running when the stack stopped may go on before the functions are up.
    async invoke(functionArn: string, payload: unknown) {
      const outcome = await (await host).invoke(functionArn, JSON.stringify(payload));
      if ('payload' in outcome) return { payload: JSON.parse(outcome.payload) as unknown };
      return { error: { type: outcome.error.errorType, message: outcome.error.errorMessage } };
    },
  });
  onStop(() => server.stop());
  return server.endpoint;
}

/** PUT /_local/schedules/NAME fires one schedule at once; the body may say {"slot": instant}. */
async function fireByHand(schedules: Timed[], method: string, path: string, body: string) {
  const name = /^\/schedules\/([^/]+)$/.exec(path)?.[1];
  const found = schedules.find((schedule) => schedule.name === decodeURIComponent(name ?? ''));
  if (!found || method !== 'PUT') return undefined;
  const { slot = new Date().toISOString() } = JSON.parse(body || '{}') as { slot?: string };
  found.fire(new Date(slot));
  return json(202, { name: found.name, slot });
}

/** The addresses that a deployed function would be told, by those of this machine. */
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
