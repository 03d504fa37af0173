import { AttributeType, BillingMode, type StreamViewType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
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
  settings: Settings,
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
