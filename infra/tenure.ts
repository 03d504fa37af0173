import { Stack, Stage } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { Caller } from '../api/operation.ts';
import cdk from '../cdk.json' with { type: 'json' };
import { resourcesFor } from './callers.ts';
import { ReplicaStack, remoteReplicas } from './replicas.ts';
import { checkSettings, type Settings } from './settings.ts';
import { TenureService } from './tenure-service.ts';
import { TenureStore } from './tenure-store.ts';

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
    const other = Stack.of(this)
      .node.findAll()
      .find((node) => node instanceof Tenure && node !== this);
    if (other)
      throw new Error(`${other.node.path} is in the same stack as ${this.node.path}: give each a stack of its own`);
    // The same resources come out whichever feature flags the app around has.
    for (const [flag, value] of Object.entries(cdk.context)) this.node.setContext(flag, value);
    this.store = new TenureStore(this, 'Store', settings);
    this.service = new TenureService(this, 'Service', { settings, store: this.store });
    this.url = this.service.api.url;
    this.replicateElsewhere(settings);
  }

  /** Lets the caller contend for the group's lease and hold it, without touching its jobs and logs. */
  grantContend(group: string, grantee: IGrantable): Grant {
    return this.grant('contender', group, grantee);
  }

  /** Lets the caller contend for the group's lease and do what its leader does, but nothing that is for operators. */
  grantLead(group: string, grantee: IGrantable): Grant {
    return this.grant('leader', group, grantee);
  }

  /** Lets the caller take backups of the group as a worker. */
  grantWork(group: string, grantee: IGrantable): Grant {
    return this.grant('worker', group, grantee);
  }

  /** Lets the caller read all of the group. */
  grantObserve(group: string, grantee: IGrantable): Grant {
    return this.grant('observer', group, grantee);
  }

  /** Lets the caller do everything in the group: revoke, cancel, delete, restore. */
  grantOperate(group: string, grantee: IGrantable): Grant {
    return this.grant('operator', group, grantee);
  }

  /** One more stack for each replica of the logs that lies in another Region. */
  private replicateElsewhere(settings: Settings): void {
    const own = Stack.of(this);
    for (const replica of remoteReplicas(settings)) {
      own.addStackDependency(new ReplicaStack(Stage.of(this) ?? this.node.root, replica, own.account, settings));
    }
  }

  private grant(caller: Caller, group: string, grantee: IGrantable): Grant {
    const { apiId: resource } = this.service.api.http;
    const resourceArns = resourcesFor(caller, group).map((resourceName) =>
      Stack.of(this).formatArn({ service: 'execute-api', resource, resourceName }),
    );
    return Grant.addToPrincipal({ grantee, actions: ['execute-api:Invoke'], resourceArns });
  }
}
