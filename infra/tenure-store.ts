import { type CfnResource, Duration, Stack } from 'aws-cdk-lib';
import { StreamViewType, type Table } from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { bucketPrefixes } from '../functions/platform/bucket-keys.ts';
import { groupsIndex } from '../leadership/keys.ts';
import { createReplicas, type Replica } from './replicas.ts';
import { removalPolicyOf } from './retention.ts';
import type { Settings } from './settings.ts';
import { addGroupsIndex, createTable } from './table.ts';

/** Everything that must outlive a deployment: the main table, the replicas of the logs and the payloads. */
export class TenureStore extends Construct {
  readonly table: Table;
  readonly groupsIndexArn: string;
  readonly replicas: readonly Replica[];
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    this.table = createTable(this, 'Table', settings, {
      kmsKeyArn: settings.kmsKeyArn,
      timeToLiveAttribute: 'ttl',
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
    });
    addGroupsIndex(this.table);
    this.groupsIndexArn = `${this.table.tableArn}/index/${groupsIndex.name}`;
    this.replicas = createReplicas(this, settings);
    this.bucket = this.createBucket(settings);
  }

  private createBucket(settings: Settings): Bucket {
    const { ephemeral, payloadUndeleteDays, logRetentionDays, kmsKeyArn } = settings;
    const secure = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      encryption: BucketEncryption.S3_MANAGED,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: removalPolicyOf(settings),
      autoDeleteObjects: ephemeral,
    };
    // S3 writes its access logs only where its own key is the default.
    const accessLogs = new Bucket(this, 'PayloadAccessLogs', {
      ...secure,
      lifecycleRules: [{ id: 'expire', expiration: Duration.days(logRetentionDays) }],
    });
    const encryption =
      kmsKeyArn === undefined
        ? {}
        : {
            encryption: BucketEncryption.KMS,
            encryptionKey: Key.fromKeyArn(this, 'PayloadsKey', kmsKeyArn),
            bucketKeyEnabled: true,
          };
    const payloads = new Bucket(this, 'Payloads', {
      ...secure,
      ...encryption,
      serverAccessLogsBucket: accessLogs as IBucket,
      versioned: true,
      lifecycleRules: [
        {
          id: 'undelete',
          noncurrentVersionExpiration: Duration.days(payloadUndeleteDays),
          expiredObjectDeleteMarker: true,
        },
        // Backups from a disk, uploaded to be restored.
        { id: 'restored', prefix: bucketPrefixes.uploadedBackups, expiration: Duration.days(7) },
        { id: 'abandoned-uploads', abortIncompleteMultipartUploadAfter: Duration.days(2) },
      ],
    });
    if (ephemeral) withoutRedundantDependency(Stack.of(this));
    return payloads;
  }
}

/**
 * The CDK's own function that empties buckets names its role and depends on it as well. The name is enough, and
 * cfn-lint is to find nothing.
 */
function withoutRedundantDependency(stack: Stack): void {
  const provider = stack.node.findChild('Custom::S3AutoDeleteObjectsCustomResourceProvider');
  (provider.node.findChild('Handler') as CfnResource).addDeletionOverride('DependsOn');
}
