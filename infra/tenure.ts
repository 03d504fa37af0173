import { Stack, Stage } from 'aws-cdk-lib';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { Caller } from '../api/operation.ts';
import cdk from '../cdk.json' with { type: 'json' };
import { warnOfAccountLimits } from './account-limits.ts';
import { CallerPolicies } from './caller-policies.ts';
import { resourcesFor } from './callers.ts';
import { ReplicaStack, remoteReplicas } from './replicas.ts';
import { checkSettings, type GivenSettings, type Settings } from './settings.ts';
import { TenureService } from './tenure-service.ts';
import { TenureStore } from './tenure-store.ts';

/** One group, several, or all whose names begin alike: `team-*`. */
type Groups = string | readonly string[];

/**
 * Tenure as a part of any CDK stack. Store and service are separate constructs: the service can be replaced as a
 * whole while the store stays.
 *
 * @example
 * ```ts
 * import { App, Stack } from 'aws-cdk-lib';
 * import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
 * import { Tenure } from 'tenure-cdk';
 *
 * const stack = new Stack(new App(), 'billing');
 * const worker = new Role(stack, 'worker', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
 * const tenure = new Tenure(stack, 'tenure', { stage: 'live', replicas: 3 });
 * tenure.grantLead('billing', worker);
 * ```
 */
export class Tenure extends Construct {
  readonly store: TenureStore;
  readonly service: TenureService;
  private readonly policies = new CallerPolicies();
  /** Address of the API: TENURE_URL of the clients. */
  readonly url: string;

  constructor(scope: Construct, id: string, given: GivenSettings = {}) {
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
    warnOfAccountLimits(this, settings);
  }

  /**
   * Lets the caller contend for the groups' leases and hold them, without touching their jobs and logs. A group that
   * ends with a star means all whose names begin so: `team-*`.
   */
  grantContend(groups: Groups, grantee: IGrantable): Grant {
    return this.grant('contender', groups, grantee);
  }

  /**
   * Lets the caller contend for the groups' leases and do what their leader does, but nothing that is for operators.
   */
  grantLead(groups: Groups, grantee: IGrantable): Grant {
    return this.grant('leader', groups, grantee);
  }

  /** Lets the caller take backups of the groups as a worker, for which it reads their logs. */
  grantWork(groups: Groups, grantee: IGrantable): Grant {
    return this.grant('worker', groups, grantee);
  }

  /** Lets the caller read all of the groups. */
  grantObserve(groups: Groups, grantee: IGrantable): Grant {
    return this.grant('observer', groups, grantee);
  }

  /** Lets the caller do everything in the groups: revoke, cancel, delete, restore. */
  grantOperate(groups: Groups, grantee: IGrantable): Grant {
    return this.grant('operator', groups, grantee);
  }

  /** One more stack for each replica of the logs that lies in another Region. */
  private replicateElsewhere(settings: Settings): void {
    const own = Stack.of(this);
    for (const replica of remoteReplicas(settings)) {
      own.addStackDependency(new ReplicaStack(Stage.of(this) ?? this.node.root, replica, own.account, settings));
    }
  }

  private grant(caller: Caller, groups: Groups, grantee: IGrantable): Grant {
    const { apiId: resource } = this.service.api.http;
    const resources = resourcesFor(caller, groups);
    return this.policies.grant(grantee, resources, (resourceName) =>
      Stack.of(this).formatArn({ service: 'execute-api', resource, resourceName }),
    );
  }
}
