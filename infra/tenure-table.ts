import { CfnOutput } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { tablePolicy } from '../client/direct/table-definition.ts';
import { addGroupsIndex, createTable } from './table.ts';

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
 * import { TenureTable } from 'tenure-cdk';
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
    this.table = createTable(
      this,
      'Table',
      { ephemeral: !keeps },
      { ...(tableName !== undefined && { tableName }), timeToLiveAttribute: 'ttl' },
    );
    addGroupsIndex(this.table);
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
