import { Stack, Stage } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import cdk from '../cdk.json' with { type: 'json' };
import { createBackup } from '../functions/backups/schema.ts';
import { listWorkers, workerOperations } from '../functions/backups/worker-schema.ts';
import { leadershipOperations, revoke } from '../functions/leadership/schema.ts';
import { appendEntries, createLog, truncateLog } from '../functions/log/schema.ts';
import { catalogue } from '../functions/operations/catalogue.ts';
import type { Operation } from '../functions/platform/operation.ts';
import { name } from '../functions/platform/schema.ts';
import { ReplicaStack, remoteReplicas } from './replicas.ts';
import { checkSettings, type Settings } from './settings.ts';
import { TenureService } from './tenure-service.ts';
import { TenureStore } from './tenure-store.ts';

type Allowed = (operation: Operation) => boolean;

const isWorkers = (operation: Operation) => Object.values<Operation>(workerOperations).includes(operation);
/** A worker's questions change what the service holds of it. */
const observes: Allowed = (operation) =>
  operation.method === 'GET' && (operation === listWorkers || !isWorkers(operation));
const works: Allowed = (operation) => isWorkers(operation) || observes(operation);
const contends: Allowed = (operation) =>
  Object.values<Operation>(leadershipOperations).includes(operation) && operation !== revoke;
/** Besides what needs the fence of a leader. */
const leadersOwn: readonly Operation[] = [createLog, appendEntries, truncateLog, createBackup];
const leads: Allowed = (operation) =>
  contends(operation) || operation.fence !== undefined || leadersOwn.includes(operation) || observes(operation);

/**
 * Tenure as a part of any CDK stack. What remembers and what acts stand apart in it: the service can be replaced as a whole
 * while the store stays.
 */
export class Tenure extends Construct {
  readonly store: TenureStore;
  readonly service: TenureService;
  /** Address of the API: TENURE_URL of the clients. */
  readonly url: string;

  constructor(scope: Construct, id: string, given: Partial<Settings> = {}) {
    super(scope, id);
    const settings = checkSettings(given);
    // The same resources come out whichever feature flags the app around has.
    for (const [flag, value] of Object.entries(cdk.context)) this.node.setContext(flag, value);
    this.store = new TenureStore(this, 'Store', settings);
    this.service = new TenureService(this, 'Service', { settings, store: this.store });
    this.url = this.service.api.url;
    this.replicateElsewhere(settings);
  }

  /** Lets the caller contend for the group's lease and hold it, which is all that `tenure lead` asks for by itself. */
  grantContend(group: string, grantee: IGrantable): Grant {
    return this.grant(group, grantee, contends);
  }

  /** Lets the caller contend, do what only a leader may (jobs, checkpoints, logs), and ask for backups; nothing that is for operators. */
  grantLead(group: string, grantee: IGrantable): Grant {
    return this.grant(group, grantee, leads);
  }

  /** Lets the caller take the group's backups, and read what is in the group. */
  grantWork(group: string, grantee: IGrantable): Grant {
    return this.grant(group, grantee, works);
  }

  /** Lets the caller read all of the group. */
  grantObserve(group: string, grantee: IGrantable): Grant {
    return this.grant(group, grantee, observes);
  }

  /** Lets the caller do everything in the group: revoke, cancel, delete, restore. */
  grantOperate(group: string, grantee: IGrantable): Grant {
    return this.grant(group, grantee, () => true);
  }

  /** One more stack for each replica of the logs that lies in another Region. */
  private replicateElsewhere(settings: Settings): void {
    for (const replica of remoteReplicas(settings)) {
      Stack.of(this).addStackDependency(new ReplicaStack(Stage.of(this) ?? this.node.root, replica, settings));
    }
  }

  private grant(group: string, grantee: IGrantable, allowed: Allowed): Grant {
    name.parse(group);
    const operations = Object.values<Operation>(catalogue).filter(({ path }) => path.includes('/{group}/'));
    const resourceArns = operations.filter(allowed).map((operation) => this.arnOf(operation, group));
    return Grant.addToPrincipal({ grantee, actions: ['execute-api:Invoke'], resourceArns });
  }

  /** The group ends with a slash in every path, or a caller of `orders` would reach `orders-2`. */
  private arnOf({ method, path }: Operation, group: string): string {
    const resourceName = `$default/${method}${path.replace('{group}', group).replaceAll(/\{\w+\}/g, '*')}`;
    const { apiId: resource } = this.service.api.http;
    return Stack.of(this).formatArn({ service: 'execute-api', resource, resourceName });
  }
}
