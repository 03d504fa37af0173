import {
  AttributeType,
  BillingMode,
  ProjectionType,
  type StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { groupsIndex } from '../leadership/keys.ts';
import { removalPolicyOf } from './retention.ts';
import type { Settings } from './settings.ts';

export interface TableOptions {
  /** A customer's key; without it the table has one of AWS. */
  kmsKeyArn?: string | undefined;
  /** Fixed; without it CloudFormation chooses one that collides with nothing. */
  tableName?: string;
  timeToLiveAttribute?: string;
  stream?: StreamViewType;
}

/** A table with the keys that all of Tenure's have, and their protection. */
export function createTable(
  scope: Construct,
  id: string,
  settings: Pick<Settings, 'ephemeral'>,
  { kmsKeyArn, ...options }: TableOptions = {},
): Table {
  const encryption =
    kmsKeyArn === undefined
      ? {}
      : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: Key.fromKeyArn(scope, `${id}Key`, kmsKeyArn) };
  return new Table(scope, id, {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: !settings.ephemeral,
    removalPolicy: removalPolicyOf(settings),
    ...encryption,
    ...options,
  });
}

/** Lists groups, jobs to clean up, policies and more; see `groupsIndex`. */
export function addGroupsIndex(table: Table): void {
  table.addGlobalSecondaryIndex({
    indexName: groupsIndex.name,
    partitionKey: { name: groupsIndex.partitionKey, type: AttributeType.STRING },
    sortKey: { name: groupsIndex.sortKey, type: AttributeType.STRING },
    projectionType: ProjectionType.KEYS_ONLY,
  });
}
