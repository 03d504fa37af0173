import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';
import { createTable } from './table.ts';

/** One table on which the logs of all groups are kept. */
export interface Replica {
  /** As in TENURE_REPLICA_TABLES: the table's name, after `region/` when it lies in another Region. */
  address: string;
  tableArn: string;
}

interface RemoteReplica {
  tableName: string;
  region: string;
}

/** The replicas of one stack: tables of its own, then those that stacks in other Regions hold. */
export function createReplicas(scope: Construct, settings: Settings): Replica[] {
  const own = Array.from({ length: settings.replicas - settings.replicaRegions.length }, (_, index) => {
    const { tableName, tableArn } = createTable(scope, `Replica${index + 1}`, settings, {
      kmsKeyArn: settings.kmsKeyArn,
    });
    return { address: tableName, tableArn };
  });
  const remote = remoteReplicas(settings).map(({ tableName, region }) => ({
    address: `${region}/${tableName}`,
    tableArn: Stack.of(scope).formatArn({ service: 'dynamodb', region, resource: 'table', resourceName: tableName }),
  }));
  return [...own, ...remote];
}

/** Numbered as all replicas are, by names that are known before the tables are. */
export function remoteReplicas({ stage, replicas, replicaRegions }: Settings): RemoteReplica[] {
  const first = replicas - replicaRegions.length + 1;
  return replicaRegions.map((region, index) => ({ tableName: `tenure-${stage}-log-${first + index}`, region }));
}

/** Holds the one replica that lies in another Region than the rest of the deployment. */
export class ReplicaStack extends Stack {
  constructor(scope: Construct, { tableName, region }: RemoteReplica, account: string, settings: Settings) {
    super(scope, tableName, {
      env: { account, region },
      description: `Tenure, stage ${settings.stage}: a replica of the logs`,
      terminationProtection: !settings.ephemeral,
    });
    createTable(this, 'Replica', settings, { tableName });
  }
}
