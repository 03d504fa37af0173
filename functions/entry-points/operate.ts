import { readFileSync } from 'node:fs';
import { catalogue } from '../../api/catalogue.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { systemClock } from '../../store/clock.ts';
import { leadershipFromEnvironment } from '../leadership/environment.ts';
import { journalFromEnvironment, journalReader } from '../leadership/journal-environment.ts';
import { journalRoutes, operateRoutes } from '../leadership/routes.ts';
import { operationsRoutes } from '../operations/routes.ts';
import { documentClient, s3Client } from '../platform/aws.ts';
import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { requestKeysFromEnvironment } from '../platform/request-keys-table.ts';
import { bucketName, readSettings, tableName } from '../platform/settings.ts';

const { TENURE_TABLE, TENURE_BUCKET } = readSettings({ TENURE_TABLE: tableName, TENURE_BUCKET: bucketName });
const room = leadershipFromEnvironment();
const stores = {
  dynamodb: documentClient(),
  s3: s3Client(),
  table: TENURE_TABLE,
  bucket: TENURE_BUCKET,
  clock: systemClock,
  version: packageJson.version,
};

/** It lies next to the bundle and is a third of its size: only requests for it wait for it. */
const document = () => JSON.parse(readFileSync(new URL('openapi.json', import.meta.url), 'utf8'));

const endpoints = [
  ...operateRoutes(room, room.groups),
  ...journalRoutes(journalReader()),
  ...operationsRoutes(stores, document),
];

/** Serves the operators' routes, and answers every path and method that no route takes. */
export const handler = lambdaHandler(
  serve(endpoints, {
    known: Object.values(catalogue),
    keys: requestKeysFromEnvironment(),
    noted: journalFromEnvironment(),
  }),
);
