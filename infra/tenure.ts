import { Stack } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { catalogue } from '../functions/operations/catalogue.ts';
import type { Operation } from '../functions/platform/operation.ts';
import { name } from '../functions/platform/schema.ts';
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

  constructor(scope: Construct, id: string, given: Partial<Settings> = {}) {
    super(scope, id);
    const settings = checkSettings(given);
    this.store = new TenureStore(this, 'Store', settings);
    this.service = new TenureService(this, 'Service', { settings, store: this.store });
  }

  /** Lets the caller contend for the group's lease and do what its leader does, but nothing that is for operators. */
  grantLead(group: string, grantee: IGrantable): Grant {
    return this.grant(group, grantee, ({ method, servedBy }) => servedBy !== 'operate' || method === 'GET');
  }

  /** Lets the caller read all of the group. */
  grantObserve(group: string, grantee: IGrantable): Grant {
    return this.grant(group, grantee, ({ method }) => method === 'GET');
  }

  /** Lets the caller do everything in the group. */
  grantOperate(group: string, grantee: IGrantable): Grant {
    return this.grant(group, grantee, () => true);
  }

  private grant(group: string, grantee: IGrantable, allowed: (operation: Operation) => boolean): Grant {
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
