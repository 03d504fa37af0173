import { RemovalPolicy } from 'aws-cdk-lib';
import type { Settings } from './settings.ts';

/**
 * Resources that outlive their stack; only a first deployment that fails takes it away again, so that it can be
 * repeated.
 */
export function removalPolicyOf({ ephemeral }: Pick<Settings, 'ephemeral'>): RemovalPolicy {
  return ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
}
