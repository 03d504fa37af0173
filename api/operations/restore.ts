import * as z from 'zod/mini';
import { entriesFile } from '../archive.ts';
import { operation } from '../operation.ts';
import { notFound } from '../problem.ts';
import { backupDamaged, groupNotEmpty, groupNotFound, restoreCompleted, sourceForbidden } from '../problems/backups.ts';
import { instantText, name, nothing } from '../schema.ts';
import { signedHeaders } from '../upload.ts';
import { backupId, fileName } from './backups.ts';

const count = z.int().check(z.minimum(0));
const group = z.object({ group: name });

export const restoreStatus = z
  .object({
    restoreId: z.uuid(),
    group: name,
    uri: z.string(),
    state: z.enum(['VERIFYING', 'RESTORING', 'COMPLETED', 'FAILED', 'ABANDONING', 'ABANDONED']),
    entryCount: count,
    restoredEntries: count,
    startedAt: instantText,
    endedAt: z.optional(instantText),
    error: z.optional(z.object({ code: z.string(), message: z.string() })),
  })
  .register(z.globalRegistry, { id: 'Restore' });

/** S3 has keys of up to 1024 bytes, of which the names of the files need some. */
const longestUri = 768;
/** Ranges, not \p{…}: generators of other languages read the pattern in the OpenAPI document, too. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it refuses them
const uriCharacters = /^[^\u0000-\u001f\u007f-\u009f\ud800-\udfff]*$/u;
const sourceUri = z.string().check(
  z.minLength(1),
  z.maxLength(longestUri),
  // Neither control characters nor half of a pair.
  z.regex(uriCharacters, 'must have no control characters'),
  z.refine((uri) => Buffer.byteLength(uri) <= longestUri, `must have at most ${longestUri} bytes`),
);

export const startRestore = operation({
  method: 'POST',
  path: '/v1/groups/{group}/restore',
  summary: 'Restore a backup into this empty group',
  servedBy: 'backups',
  journals: { as: 'restore-begun', members: ['restoreId', 'backupId', 'uri'] },
  callers: ['operator'],
  params: group,
  query: nothing,
  body: z
    .strictObject({
      backupId: z.optional(backupId),
      uri: z.optional(sourceUri),
    })
    .check(
      z.refine(({ backupId, uri }) => (backupId === undefined) !== (uri === undefined), 'needs either backupId or uri'),
    ),
  answer: restoreStatus,
  status: 202,
  otherStatuses: [200],
  problems: [notFound, groupNotFound, groupNotEmpty, backupDamaged, sourceForbidden],
});

export const getRestore = operation({
  method: 'GET',
  path: '/v1/groups/{group}/restores/{restore}',
  summary: 'The status of a restore',
  servedBy: 'backups',
  callers: ['leader', 'observer', 'operator'],
  params: z.object({ group: name, restore: z.uuid() }),
  query: nothing,
  body: nothing,
  answer: restoreStatus,
  problems: [notFound],
});

export const abandonRestore = operation({
  method: 'POST',
  path: '/v1/groups/{group}/restores/{restore}/abandon',
  summary: 'Give up a restore that has not completed: the group becomes empty again',
  servedBy: 'backups',
  journals: { as: 'restore-abandoned', members: ['restoreId', 'backupId', 'uri'] },
  key: 'kept',
  callers: ['operator'],
  params: z.object({ group: name, restore: z.uuid() }),
  query: nothing,
  body: nothing,
  answer: restoreStatus,
  status: 202,
  otherStatuses: [200],
  problems: [notFound, restoreCompleted],
});

/** The uploads of a backup that lies on a disk: its files go below a prefix from which this group alone may restore. */
export const uploadRestore = operation({
  method: 'POST',
  path: '/v1/groups/{group}/restore/files',
  summary: 'Upload the files of a backup from a disk, to restore it into this group',
  servedBy: 'backups',
  key: 'optional',
  callers: ['operator'],
  params: group,
  query: nothing,
  body: z.strictObject({
    /** Chosen by the caller, the same for all files of one backup. */
    uploadId: z.uuid(),
    files: z
      .array(
        z.strictObject({
          name: fileName,
          bytes: z.int().check(z.minimum(0), z.maximum(5 * 1024 ** 3)),
          sha256: entriesFile.shape.sha256,
        }),
      )
      .check(z.minLength(1), z.maxLength(100)),
  }),
  bodyLimit: 128 * 1024,
  answer: z.object({
    /** The source, once all files are uploaded. */
    uri: z.string(),
    urls: z.array(z.object({ name: z.string(), url: z.url(), headers: signedHeaders })),
  }),
  problems: [],
});

export const restoreOperations = { startRestore, getRestore, abandonRestore, uploadRestore };
