import { CfnOutput, Stack, Tags } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';
import { TenureService } from './tenure-service.ts';
import { TenureStore } from './tenure-store.ts';

/** One deployment of Tenure: what it remembers, and what it does. */
export class TenureStack extends Stack {
  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id, {
      description: `Tenure, stage ${settings.stage}: leadership, jobs, logs and backups`,
      terminationProtection: !settings.ephemeral,
    });
    Tags.of(this).add('tenure:stage', settings.stage);
    const store = new TenureStore(this, 'Store', settings);
    const service = new TenureService(this, 'Service', { settings, store });
    new CfnOutput(this, 'ApiUrl', { value: service.api.url, description: 'TENURE_URL of the clients' });
    new CfnOutput(this, 'TableName', { value: store.table.tableName });
    new CfnOutput(this, 'BucketName', { value: store.bucket.bucketName });
  }
}
