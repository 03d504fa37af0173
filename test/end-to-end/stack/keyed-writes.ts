/** Every operation of the API that writes, once and with a key: what is sent first, and another request like it. */
import { createHash, randomUUID } from 'node:crypto';
import { catalogue } from '../../../api/catalogue.ts';
import type { Operation } from '../../../api/operation.ts';
import { eventually } from '../leadership/tenure.ts';

type Name = keyof typeof catalogue;
type Headers = Readonly<Record<string, string>>;

/** Of the other request under the same key: another body or, where the operation has none, another path. */
type Another = { readonly body: object } | { readonly path: string };

interface Sent {
  readonly name: Name;
  readonly path: string;
  readonly body: object | undefined;
  readonly headers: Headers;
  readonly another: Another;
}

export const writes = Object.entries<Operation>(catalogue)
  .filter(([, { method }]) => method !== 'GET')
  .map(([name]) => name as Name);

/** The status and answer of a request. */
export async function send(api: string, { name, path, body, headers }: Omit<Sent, 'another'>) {
  const answer = await fetch(`${api}/v1/groups/${path}`, {
    method: catalogue[name].method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: answers of every operation
  return { status: answer.status, body: (await answer.json()) as any };
}

const inline = (text: string) => ({ inline: Buffer.from(text).toString('base64') });
const sha256 = createHash('sha256').update('').digest('hex');
const unknown = '0197b0f0-0000-7000-8000-000000000000';
const fenceOf = (term: { fencingVersion: number; sessionId: string }) => ({
  'fencing-version': `${term.fencingVersion}`,
  'leader-session': term.sessionId,
});

/** Sends them one after the other, each under a key of its own name; all of them succeed. */
export class KeyedWrites {
  readonly sent: Sent[] = [];
  readonly #api: string;
  readonly #id = randomUUID().slice(0, 8);

  constructor(api: string) {
    this.#api = api;
  }

  group(name: string): string {
    return `keys-${name}-${this.#id}`;
  }

  async write(name: Name, path: string, body: object | undefined, another: Another, headers: Headers = {}) {
    const pattern = new RegExp(`^${catalogue[name].path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    if (!pattern.test(`/v1/groups/${path}`)) throw new Error(`${path} is not a path of ${name}`);
    const request = { name, path, body, headers: { ...headers, 'idempotency-key': `key-${name}` } };
    const { status, body: answer } = await send(this.#api, request);
    if (status >= 300) throw new Error(`${name}: ${status} ${JSON.stringify(answer)}`);
    this.sent.push({ ...request, another });
    return answer;
  }

  /** The same without a key. */
  async plain(name: Name, path: string, body?: object, headers: Headers = {}) {
    const { status, body: answer } = await send(this.#api, { name, path, body, headers });
    if (status >= 300) throw new Error(`${name}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  }

  async lead(group: string): Promise<Headers> {
    return fenceOf(
      await this.plain('contend', `${group}/leadership/contend`, { contenderId: 'a', leaseMs: 3_600_000 }),
    );
  }

  async leadership(): Promise<void> {
    const group = this.group('leadership');
    const path = `${group}/leadership`;
    const contender = { contenderId: 'a', leaseMs: 3_600_000 };
    const fence = fenceOf(
      await this.write('contend', `${path}/contend`, contender, { body: { ...contender, contenderId: 'b' } }),
    );
    await this.write('confirm', `${path}/confirm`, { address: 'a:1' }, { body: { address: 'a:2' } }, fence);
    await this.write('renew', `${path}/renew`, { leaseMs: 3_600_000 }, { body: { leaseMs: 60_000 } }, fence);
    const rest = `${path}/addresses/rest`;
    await this.write('publishAddress', rest, { address: 'a:1' }, { body: { address: 'a:2' } }, fence);
    await this.write('withdrawAddress', rest, undefined, { path: `${path}/addresses/other` }, fence);
    const handOver = { fencingVersion: 1 };
    await this.write('handOver', `${path}/hand-over`, handOver, { body: { ...handOver, successor: 'b' } });

    const [resigned, revoked] = [this.group('resigned'), this.group('revoked')];
    const bye = `${resigned}/leadership/resign`;
    await this.write('resign', bye, {}, { body: { successor: 'b' } }, await this.lead(resigned));
    await this.lead(revoked);
    const order = { fencingVersion: 1, reason: 'a test' };
    await this.write('revoke', `${revoked}/leadership/revoke`, order, { body: { ...order, reason: 'another' } });
    const deleted = this.group('deleted');
    await this.plain('resign', `${deleted}/leadership/resign`, {}, await this.lead(deleted));
    await this.write('deleteGroup', deleted, undefined, { path: `${deleted}?dryRun=true` });
  }

  async jobs(): Promise<void> {
    const group = this.group('jobs');
    const fence = await this.lead(group);
    const path = `${group}/jobs/kept`;
    const job = { graph: inline('graph'), retain: 3 };
    await this.write('submitJob', path, job, { body: { ...job, retain: 4 } }, fence);
    const upload = { purpose: 'checkpoint' };
    const begun = await this.write('beginUpload', `${path}/uploads`, upload, { body: { purpose: 'savepoint' } }, fence);
    const part = { partNumber: 1, bytes: 5, sha256 };
    const parts = `${path}/uploads/${begun.uploadId}/parts`;
    await this.write('signParts', parts, { parts: [part] }, { body: { parts: [{ ...part, bytes: 6 }] } }, fence);
    const commits = `${path}/checkpoints`;
    await this.write('commitCheckpoint', commits, inline('a'), { body: inline('b') }, fence);
    await this.write('reserveCheckpoint', `${commits}/reserve`, {}, { body: { atLeast: 50 } }, fence);

    const other = `${group}/jobs/other`;
    await this.plain('submitJob', other, job, fence);
    for (const text of ['one', 'two'])
      await this.plain('commitCheckpoint', `${other}/checkpoints`, inline(text), fence);
    await this.plain('commitCheckpoint', `${other}/checkpoints`, { ...inline('three'), kind: 'savepoint' }, fence);
    const at = (id: number) => `${other}/checkpoints/${id}`;
    await this.write('discardCheckpoint', at(1), undefined, { path: at(2) }, fence);
    const savepoint = (id: number) => `${other}/savepoints/${id}`;
    await this.write('discardSavepoint', savepoint(3), undefined, { path: savepoint(4) }, fence);
    await this.write('discardCheckpoints', `${other}/checkpoints`, undefined, { path: commits }, fence);
    const held = { result: 'failed', cleanUp: 'held' };
    await this.write('finishJob', `${other}/finish`, held, { body: { result: 'succeeded' } }, fence);
    await this.write('cleanJob', `${other}/clean`, {}, { path: `${path}/clean` }, fence);
    await this.write('recover', `${group}/recovery`, {}, { body: { discardOlder: true } }, fence);
    await this.write('collectOrphans', `${group}/orphans/collect`, {}, { body: { dryRun: true } });
  }

  async log(): Promise<void> {
    const group = this.group('log');
    const fence = await this.lead(group);
    const path = `${group}/logs/journal`;
    await this.write('createLog', path, {}, { body: { autoInitialize: false } });
    await this.plain('createLog', `${group}/logs/gone`, {});
    await eventually('the log is writable', async () => {
      const answer = await fetch(`${this.#api}/v1/groups/${path}`);
      const { replicas } = (await answer.json()) as { replicas: { status: string }[] };
      return replicas.every(({ status }) => status === 'VOTING');
    });
    const { writerId } = await this.write(
      'electWriter',
      `${path}/writer`,
      {},
      { path: `${group}/logs/gone/writer` },
      fence,
    );
    const writer = { 'log-writer': writerId };
    const data = (text: string) => ({ entries: [Buffer.from(text).toString('base64')] });
    await this.write('appendEntries', `${path}/entries`, data('a'), { body: data('b') }, writer);
    await this.write('truncateLog', `${path}/truncate`, { to: 0 }, { body: { to: 1 } }, writer);
    const change = { cancel: true, dryRun: true };
    await this.write('changeReplicas', `${path}/replicas`, change, { body: { cancel: true } });
    const replica = (id: number) => `${path}/replicas/${id}`;
    await this.write('initializeReplica', `${replica(1)}/initialize`, {}, { body: { force: true } });
    await this.write('recoverReplica', `${replica(1)}/recover`, {}, { body: { force: true } });
    const [recovering, catchingUp] = ['cancel-recovery', 'catch-up'];
    await this.write('cancelRecovery', `${replica(1)}/${recovering}`, {}, { path: `${replica(2)}/${recovering}` });
    await this.write('catchUpReplica', `${replica(1)}/${catchingUp}`, {}, { path: `${replica(2)}/${catchingUp}` });
    await this.write('deleteLog', `${group}/logs/gone`, undefined, { path });
  }

  /** A worker that somebody else has written, and its attempt, which it gives up. */
  async workers(): Promise<void> {
    const group = this.group('workers');
    await this.lead(group);
    const worker = `${group}/workers/w`;
    await this.write('registerWorker', worker, { host: 'here' }, { body: { host: 'there' } });
    const { backupId } = await this.write('createBackup', `${group}/backups`, {}, { body: { redelegate: true } });
    const asked = () =>
      eventually('the worker is asked', async () => {
        const answer = await fetch(`${this.#api}/v1/groups/${worker}/commands?waitMs=20000`);
        const { commands } = (await answer.json()) as { commands: { commandId: string; attemptSecret: string }[] };
        return commands[0];
      });
    const answer = async () => `${worker}/commands/${(await asked()).commandId}/answer`;
    const yes = { accepted: true, position: {} };
    await this.write('answerCommand', await answer(), yes, { body: { accepted: false, reason: 'no' } });
    const { commandId, attemptSecret } = await asked();
    await this.plain('answerCommand', `${worker}/commands/${commandId}/answer`, { accepted: true });

    const secret = { 'attempt-secret': attemptSecret };
    const attempt = `${group}/backups/${backupId}/attempts/1`;
    const beat = { sequence: 1, state: 'RUNNING', entryCount: 3, bytes: 30, position: {} };
    await this.write('heartbeat', `${attempt}/heartbeat`, beat, { body: { ...beat, sequence: 2 } }, secret);
    const files = (bytes: number) => ({ files: [{ name: 'manifest.json', bytes, sha256 }] });
    await this.write('attemptFiles', `${attempt}/files`, files(5), { body: files(6) }, secret);
    const payloads = (bytes: number) => ({ payloads: [{ jobId: 'none', payloadId: unknown, bytes, sha256 }] });
    await this.write('attemptPayloads', `${attempt}/payloads`, payloads(5), { body: payloads(6) }, secret);
    const failure = { code: 'disk_full', message: 'no space' };
    await this.write('failAttempt', `${attempt}/fail`, failure, { body: { ...failure, message: 'none' } }, secret);
    const finished = { uri: 's3://nowhere/', entryCount: 1, bytes: 1, manifestSha256: sha256 };
    await this.write('finishAttempt', `${attempt}/finish`, finished, { body: { ...finished, bytes: 2 } }, secret);
    await this.write('goodbye', worker, undefined, { path: `${group}/workers/other` });
  }

  async backups(): Promise<void> {
    const [group, guest] = [this.group('backups'), this.group('guest')];
    await this.lead(group);
    const path = `${group}/backups`;
    const take = async () => (await this.plain('createBackup', path, { bypassDelegation: true })).backupId as string;
    const ended = (backupId: string) =>
      eventually('the backup has ended', async () => {
        const answer = await fetch(`${this.#api}/v1/groups/${path}/${backupId}`);
        const { state } = (await answer.json()) as { state: string };
        return (state === 'COMPLETED' || state === 'FAILED') && state;
      });
    const cancelled = await take();
    await this.write('cancelBackup', `${path}/${cancelled}/cancel`, {}, { path: `${path}/${unknown}/cancel` });
    const backupId = await take();
    await ended(backupId);
    await this.write('shareBackup', `${path}/${backupId}/share`, { group: guest }, { body: { group: 'other' } });

    const restore = { backupId };
    await this.write('startRestore', `${guest}/restore`, restore, { body: { backupId: cancelled } });
    const file = (bytes: number) => ({ uploadId: unknown, files: [{ name: 'manifest.json', bytes, sha256 }] });
    await this.write('uploadRestore', `${guest}/restore/files`, file(1), { body: file(2) });
    await this.#abandon(group, backupId);
    await this.write('unshareBackup', `${path}/${backupId}/share/${guest}`, undefined, {
      path: `${path}/${backupId}/share/other`,
    });
    const policy = { everyMs: 3_600_000, retain: 3 };
    const schedule = `${group}/backup-policy`;
    await this.write('putBackupPolicy', schedule, policy, { body: { ...policy, retain: 4 } });
    await this.write('deleteBackupPolicy', schedule, undefined, { path: `${path}/${unknown}` });
    await this.write('deleteBackup', `${path}/${cancelled}`, undefined, { path: `${path}/${unknown}` });
  }

  /** One that has completed before is refused, and leaves its key to the next. */
  async #abandon(group: string, backupId: string): Promise<void> {
    for (let tried = 0; tried < 10 && !this.sent.some(({ name }) => name === 'abandonRestore'); tried += 1) {
      const guest = this.group(`guest-${tried}`);
      await this.plain('shareBackup', `${group}/backups/${backupId}/share`, { group: guest });
      const { restoreId } = await this.plain('startRestore', `${guest}/restore`, { backupId });
      const path = (restore: string) => `${guest}/restores/${restore}/abandon`;
      await this.write('abandonRestore', path(restoreId), {}, { path: path(unknown) }).catch((error: Error) => {
        if (!error.message.includes('restore_completed')) throw error;
      });
    }
  }
}
