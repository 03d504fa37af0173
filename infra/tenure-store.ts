import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { groupsIndex } from '../functions/leadership/keys.ts';
import type { Settings } from './settings.ts';

/** Everything that must outlive a deployment: the main table, the tables of the log replicas and the payloads. */
export class TenureStore extends Construct {
  readonly table: Table;
  readonly groupsIndexArn: string;
  readonly replicaTables: readonly Table[];
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    this.table = this.createTable('Table', settings, {
      timeToLiveAttribute: 'ttl',
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
    });
    this.table.addGlobalSecondaryIndex({
      indexName: groupsIndex.name,
      partitionKey: { name: groupsIndex.partitionKey, type: AttributeType.STRING },
      sortKey: { name: groupsIndex.sortKey, type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    this.groupsIndexArn = `${this.table.tableArn}/index/${groupsIndex.name}`;
    this.replicaTables = Array.from({ length: settings.replicas }, (_, replica) =>
      this.createTable(`Replica${replica + 1}`, settings),
    );
    this.bucket = this.createBucket(settings);
  }

  private createTable(
    id: string,
    { ephemeral }: Settings,
    more: { timeToLiveAttribute?: string; stream?: StreamViewType } = {},
  ) {
    return new Table(this, id, {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: !ephemeral,
      removalPolicy: ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
      ...more,
    });
  }

  private createBucket({ ephemeral, payloadUndeleteDays, logRetentionDays }: Settings) {
    const secure = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      encryption: BucketEncryption.S3_MANAGED,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
      autoDeleteObjects: ephemeral,
    };
    const accessLogs = new Bucket(this, 'PayloadAccessLogs', {
      ...secure,
      lifecycleRules: [{ id: 'expire', expiration: Duration.days(logRetentionDays) }],
    });
    return new Bucket(this, 'Payloads', {
      ...secure,
      serverAccessLogsBucket: accessLogs as IBucket,
      versioned: true,
      lifecycleRules: [
        {
          id: 'undelete',
          noncurrentVersionExpiration: Duration.days(payloadUndeleteDays),
          expiredObjectDeleteMarker: true,
        },
        { id: 'abandoned-uploads', abortIncompleteMultipartUploadAfter: Duration.days(2) },
      ],
    });
  }
}
