import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleFile, plainSettings } from '../../../infra/bundle.ts';
import { project } from '../../support/stack.ts';

export type Part = 'dynamodb' | 's3' | 'sfn';

const imports: Record<Part, string> = {
  dynamodb: `
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const dynamodbRequests = { GetCommand, PutCommand, QueryCommand, TransactWriteCommand, UpdateCommand };`,
  s3: `
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
const s3 = new S3Client({});
const s3Requests = { GetObjectCommand, HeadObjectCommand, PutObjectCommand, getSignedUrl };`,
  sfn: `
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
const sfn = new SFNClient({});
const sfnRequests = { StartExecutionCommand };`,
};

/**
 * Bundles handlers that only send requests of these clients: as anyone would, and `lean` as ours are. Answers their
 * files.
 */
export async function bareHandlers(folder: string, parts: readonly Part[]) {
  const name = join(folder, `bare-${parts.join('-')}`);
  const act = parts.map((part) => `await ${part}.send(new ${part}Requests[event.request](event.input));`).join(' ');
  await writeFile(
    `${name}.mjs`,
    `${parts.map((part) => imports[part]).join('')}
export const handler = async (event) => { ${act} };`,
  );
  await build({
    ...plainSettings,
    entryPoints: [`${name}.mjs`],
    outfile: `${name}.bundle.mjs`,
    nodePaths: [join(project, 'node_modules')],
  });
  bundleFile(`${name}.mjs`, `${name}.lean.mjs`);
  return { plain: `${name}.bundle.mjs`, lean: `${name}.lean.mjs` };
}
