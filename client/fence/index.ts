/** `tenure/fence`: refuse a deposed leader's writes in the stores that it writes to. */
import { fencedDynamo, fencedDynamoTransaction } from './dynamo.ts';
import { fencedMysql } from './mysql.ts';
import { fencedS3, fencedS3Delete } from './s3.ts';
import { fencedSql } from './sql.ts';
import { fencedSqlite } from './sqlite.ts';

/** The guarded writes, one for each kind of store. */
export const fenced = {
  sql: fencedSql,
  mysql: fencedMysql,
  sqlite: fencedSqlite,
  dynamo: fencedDynamo,
  dynamoTransaction: fencedDynamoTransaction,
  s3: fencedS3,
  s3Delete: fencedS3Delete,
} as const;

export { type DynamoOptions, type DynamoWrite, dynamoRefusal, type FenceItem, fenceAttribute } from './dynamo.ts';
export { FencedError, type FencingTerm } from './fence.ts';
export {
  type DocumentClient,
  dynamoFenceStore,
  type FenceStore,
  memoryFenceStore,
  postgresFenceStore,
} from './fence-store.ts';
export {
  expressFence,
  fastifyFence,
  fencedFetch,
  fenceGuard,
  fetchFence,
  type Guard,
  type GuardOptions,
  honoFence,
  type Refusal,
} from './http.ts';
export { fenceMysql, type MysqlConnection, type MysqlOptions, type MysqlPool } from './mysql.ts';
export { type Proof, type ProofOptions, proveFenced } from './prove.ts';
export type { S3Options, S3Place } from './s3.ts';
export type { Provable } from './schedule.ts';
export {
  fenceSql,
  type PgClient,
  type PgPool,
  type PostgresJs,
  type PostgresJsTransaction,
  type SqlOptions,
} from './sql.ts';
export { fenceSqlite, type SqliteDatabase } from './sqlite.ts';
