/** A table of leases as AWS knows it: what CreateTable makes, and the least that a caller needs. */
import { name as nameSchema } from '../../api/schema.ts';
import { groupKey, groupsIndex } from '../../leadership/keys.ts';

const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' as const });

/**
 * The input of CreateTable. The main table of a full stack has the same keys and index, so a stack can take it over.
 */
export const tableDefinition = (TableName: string) => ({
  TableName,
  BillingMode: 'PAY_PER_REQUEST' as const,
  AttributeDefinitions: [text('pk'), text('sk'), text(groupsIndex.partitionKey), text(groupsIndex.sortKey)],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' as const },
    { AttributeName: 'sk', KeyType: 'RANGE' as const },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: groupsIndex.name,
      KeySchema: [
        { AttributeName: groupsIndex.partitionKey, KeyType: 'HASH' as const },
        { AttributeName: groupsIndex.sortKey, KeyType: 'RANGE' as const },
      ],
      Projection: { ProjectionType: 'KEYS_ONLY' as const },
    },
  ],
});

/** The same for a table of replicas of logs, which has no index and no time to live. */
export const replicaDefinition = (TableName: string) => ({
  TableName,
  BillingMode: 'PAY_PER_REQUEST' as const,
  AttributeDefinitions: [text('pk'), text('sk')],
  KeySchema: tableDefinition(TableName).KeySchema,
});

/** Ended terms leave the table 90 days later. */
export const timeToLive = { AttributeName: 'ttl', Enabled: true };

/**
 * Contend, confirm, renew, resign, observe, hand over and revoke; reads of several items and scans are not among them.
 */
export const contenderActions = [
  'dynamodb:ConditionCheckItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
];

export interface PolicyOptions {
  /** The ARN of the table. */
  readonly tableArn: string;
  /** Names of groups; `team-*` stands for all that begin alike. */
  readonly groups: readonly string[];
  /** Also lists all groups with their leaders. */
  readonly lists?: boolean;
}

/**
 * Actions of a process that writes or reads logs in direct mode, on each table of replicas; on the table of leases it
 * needs those of a contender.
 */
export const replicaActions = [
  'dynamodb:BatchWriteItem',
  'dynamodb:ConditionCheckItem',
  'dynamodb:DeleteItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
];

/** The least policy on a table of replicas: the items of the logs of these groups, and when the table was created. */
export function replicaPolicy({ tableArn, groups }: Omit<PolicyOptions, 'lists'>) {
  for (const group of groups) nameSchema.parse(group.replace(/\*$/, 'x'));
  // The log's name follows the group in the partition key.
  const keys = groups.map((group) => (group.endsWith('*') ? `LOG#${group}` : `LOG#${group}#*`));
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'TenureReplicas',
        Effect: 'Allow',
        Action: replicaActions,
        Resource: tableArn,
        Condition: {
          'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys },
          Null: { 'dynamodb:LeadingKeys': 'false' },
        },
      },
      { Sid: 'TenureTableAge', Effect: 'Allow', Action: ['dynamodb:DescribeTable'], Resource: tableArn },
    ],
  };
}

/** The least policy of a caller: the actions of a contender, on items of its groups alone. */
export function tablePolicy({ tableArn, groups, lists = false }: PolicyOptions) {
  for (const group of groups) nameSchema.parse(group.replace(/\*$/, 'x'));
  const keys = groups.map(groupKey);
  const operator = keys.some((key) => key.endsWith('*')) ? 'StringLike' : 'StringEquals';
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'TenureGroups',
        Effect: 'Allow',
        Action: contenderActions,
        Resource: tableArn,
        Condition: {
          [`ForAllValues:${operator}`]: { 'dynamodb:LeadingKeys': keys },
          // ForAllValues also holds for a request without keys, such as a scan.
          Null: { 'dynamodb:LeadingKeys': 'false' },
        },
      },
      ...(lists ? listing(tableArn) : []),
    ],
  };
}

const listing = (tableArn: string) => [
  {
    Sid: 'TenureListsGroups',
    Effect: 'Allow',
    Action: ['dynamodb:Query'],
    Resource: `${tableArn}/index/${groupsIndex.name}`,
  },
  { Sid: 'TenureReadsGroups', Effect: 'Allow', Action: ['dynamodb:BatchGetItem'], Resource: tableArn },
];
