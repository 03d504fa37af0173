import { CfnOutput, RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { tablePolicy } from '../client/direct/table-definition.ts';
import { groupsIndex } from '../leadership/keys.ts';

export interface TenureTableProps {
  /** Fixed; without it CloudFormation chooses one that collides with nothing. */
  readonly tableName?: string;
  /**
   * Keeps the table, and refuses to delete it.
   * @defaultValue true
   */
  readonly protected?: boolean;
}

/**
 * A table of leases for direct mode: leadership without the API.
 *
 * @example
 * ```ts
 * import { App, Stack } from 'aws-cdk-lib';
 * import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
 * import { TenureTable } from 'tenure/cdk';
 *
 * const stack = new Stack(new App(), 'Leases');
 * const leases = new TenureTable(stack, 'Leases');
 * const worker = new Role(stack, 'Worker', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
 * leases.grantContend(worker, 'orders');
 * ```
 */
export class TenureTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, { tableName, protected: keeps = true }: TenureTableProps = {}) {
    super(scope, id);
    this.table = new Table(this, 'Table', {
      ...(tableName !== undefined && { tableName }),
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'ttl',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: keeps,
      removalPolicy: keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    this.table.addGlobalSecondaryIndex({
      indexName: groupsIndex.name,
      partitionKey: { name: groupsIndex.partitionKey, type: AttributeType.STRING },
      sortKey: { name: groupsIndex.sortKey, type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    new CfnOutput(this, 'TableName', { value: this.table.tableName });
  }

  /** Lets the grantee contend for, observe and operate these groups alone; `team-*` stands for all that begin alike. */
  grantContend(grantee: IGrantable, ...groups: [string, ...string[]]): void {
    this.#grant(grantee, groups, false);
  }

  /** The same, and lists every group with its leader. */
  grantOperate(grantee: IGrantable, ...groups: [string, ...string[]]): void {
    this.#grant(grantee, groups, true);
  }

  #grant({ grantPrincipal }: IGrantable, groups: readonly string[], lists: boolean): void {
    const { Statement } = tablePolicy({ tableArn: this.table.tableArn, groups, lists });
    for (const statement of Statement) grantPrincipal.addToPrincipalPolicy(PolicyStatement.fromJson(statement));
  }
}
