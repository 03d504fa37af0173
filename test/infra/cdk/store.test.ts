import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { permissions, referred, resources, type Statement, templateOf } from './synthesised.ts';

let template: Template;
beforeAll(() => {
  template = templateOf();
});

/** The properties of the resource that an output names. */
function named(output: string, type: string) {
  return referred(template, type, template.findOutputs(output)[output]?.['Value']).properties;
}

describe('tables', () => {
  test('each has string keys, costs only what is used, can be restored to a point in time, is not lost by accident', () => {
    const tables = resources(template, 'AWS::DynamoDB::Table');
    expect(tables).toHaveLength(4);
    for (const { properties, policies } of tables) {
      // A first deployment that fails takes them away again, so that it can be repeated.
      expect(policies).toEqual(['RetainExceptOnCreate', 'Retain']);
      expect(properties).toMatchObject({
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
      });
      for (const { AttributeType } of properties.AttributeDefinitions) expect(AttributeType).toBe('S');
    }
  });

  test('the main one has from the start what would be a migration later: TTL, stream, index', () => {
    expect(named('TableName', 'AWS::DynamoDB::Table')).toMatchObject({
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
    });
  });

  test('the index of groups projects keys only, so that no renewal writes to it', () => {
    expect(named('TableName', 'AWS::DynamoDB::Table').GlobalSecondaryIndexes).toEqual([
      {
        IndexName: 'groups',
        KeySchema: [
          { AttributeName: 'groupsPk', KeyType: 'HASH' },
          { AttributeName: 'group', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ]);
  });

  test.each([1, 3, 5])('%i replicas are that many tables, with neither TTL nor stream', (replicas) => {
    const tables = resources(templateOf({ replicas: String(replicas) }), 'AWS::DynamoDB::Table');
    const found = tables.filter(({ id }) => id.includes('Replica'));
    expect(found).toHaveLength(replicas);
    for (const { properties } of found) {
      expect(properties).not.toHaveProperty('TimeToLiveSpecification');
      expect(properties).not.toHaveProperty('StreamSpecification');
    }
  });
});

describe('buckets', () => {
  test('each is closed to the public, encrypted, reached through TLS only, not lost by accident', () => {
    const buckets = resources(template, 'AWS::S3::Bucket');
    expect(buckets).toHaveLength(2);
    for (const { id, properties, policies } of buckets) {
      // A first deployment that fails takes them away again, so that it can be repeated.
      expect(policies).toEqual(['RetainExceptOnCreate', 'Retain']);
      expect(properties).toMatchObject({
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      });
      const policy = resources(template, 'AWS::S3::BucketPolicy').find((other) => other.properties.Bucket.Ref === id);
      const statements: Statement[] = policy?.properties.PolicyDocument.Statement;
      const refused = statements.filter(({ Effect, Action }) => Effect === 'Deny' && Action === 's3:*');
      expect(refused.map(({ Condition }) => Condition)).toEqual([
        { Bool: { 'aws:SecureTransport': 'false' } },
        { NumericLessThan: { 's3:TlsVersion': 1.2 } },
      ]);
    }
  });

  test.each([
    [1, {}],
    [30, { payloadUndeleteDays: '30' }],
  ])('payloads can be undeleted for %i days with %o; what was abandoned goes', (days, context) => {
    const buckets = resources(templateOf(context), 'AWS::S3::Bucket').map(({ properties }) => properties);
    const versioned = buckets.filter(({ VersioningConfiguration }) => VersioningConfiguration?.Status === 'Enabled');
    expect(versioned.map(({ LifecycleConfiguration }) => LifecycleConfiguration.Rules)).toEqual([
      [
        {
          Id: 'undelete',
          Status: 'Enabled',
          NoncurrentVersionExpiration: { NoncurrentDays: days },
          ExpiredObjectDeleteMarker: true,
        },
        { Id: 'restored', Status: 'Enabled', Prefix: 'restores/', ExpirationInDays: 7 },
        {
          Id: 'abandoned-uploads',
          Status: 'Enabled',
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 },
        },
      ],
    ]);
  });

  test('access to payloads is logged, and the log expires', () => {
    const { LoggingConfiguration } = named('BucketName', 'AWS::S3::Bucket');
    const log = referred(template, 'AWS::S3::Bucket', LoggingConfiguration.DestinationBucketName);
    expect(log.properties.LifecycleConfiguration.Rules).toEqual([
      { Id: 'expire', Status: 'Enabled', ExpirationInDays: 30 },
    ]);
  });
});

test("a customer's key encrypts tables and payloads, and every function may use it", () => {
  const kmsKeyArn = 'arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555';
  const keyed = templateOf({ kmsKeyArn });
  for (const { properties } of resources(keyed, 'AWS::DynamoDB::Table'))
    expect(properties.SSESpecification).toMatchObject({ SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: kmsKeyArn });
  const buckets = resources(keyed, 'AWS::S3::Bucket').map(({ properties }) =>
    JSON.stringify(properties.BucketEncryption),
  );
  expect(buckets.filter((encryption) => encryption.includes(kmsKeyArn))).toHaveLength(1);
  const uses = permissions(keyed).filter(
    ({ action, resource }) => action === 'kms:GenerateDataKey' && resource === kmsKeyArn,
  );
  expect(new Set(uses.map(({ role }) => role)).size).toBe(resources(keyed, 'AWS::Lambda::Function').length);
});
