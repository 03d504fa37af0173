import { CfnOutput, Stack, Tags } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { checkSettings, type GivenSettings } from './settings.ts';
import { Tenure } from './tenure.ts';

/**
 * A stack with one deployment of Tenure, whose outputs are what the clients and `tenure --stack` look for.
 *
 * @example
 * ```ts
 * import { App } from 'aws-cdk-lib';
 * import { TenureStack } from 'tenure-cdk';
 *
 * new TenureStack(new App(), 'tenure-prod', { stage: 'prod' });
 * ```
 */
export class TenureStack extends Stack {
  readonly tenure: Tenure;

  constructor(scope: Construct, id: string, given: GivenSettings = {}) {
    const settings = checkSettings(given);
    super(scope, id, {
      description: `Tenure, stage ${settings.stage}: leadership, jobs, logs and backups`,
      terminationProtection: !settings.ephemeral,
    });
    // CloudFormation's published schema of dashboards, which cfn-lint reads, has no tags.
    Tags.of(this).add('tenure:stage', settings.stage, { excludeResourceTypes: ['AWS::CloudWatch::Dashboard'] });
    this.tenure = new Tenure(this, 'Tenure', settings);
    const { store, service } = this.tenure;
    new CfnOutput(this, 'ApiUrl', { value: service.api.url, description: 'TENURE_URL of the clients' });
    new CfnOutput(this, 'TableName', { value: store.table.tableName });
    new CfnOutput(this, 'BucketName', { value: store.bucket.bucketName });
    new CfnOutput(this, 'EventBusName', { value: service.events.bus.eventBusName, description: 'docs/events.md' });
    new CfnOutput(this, 'EventLogName', {
      value: service.events.log.logGroupName,
      description: 'Log group that `tenure events tail` reads',
    });
    new CfnOutput(this, 'AlarmTopicArn', {
      value: service.monitoring.topic.topicArn,
      description: 'Subscribe to hear of trouble',
    });
  }
}
