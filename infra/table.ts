import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, type StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';

export interface TableOptions {
  /** Fixed; without it CloudFormation chooses one that collides with nothing. */
  tableName?: string;
  timeToLiveAttribute?: string;
  stream?: StreamViewType;
}

/** A table with the keys that all of Tenure's have, and their protection. */
export function createTable(scope: Construct, id: string, { ephemeral }: Settings, options: TableOptions = {}): Table {
  return new Table(scope, id, {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: !ephemeral,
    removalPolicy: ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    ...options,
  });
}
