import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { catalogue } from '../../../api/catalogue.ts';
import { problemCodes } from '../../../api/codes.ts';
import type { ProblemKind } from '../../../api/problem.ts';
import { operations } from '../../../client/index.ts';
import { TenureClient } from '../../../client/tenure-client.ts';
import { hasCode } from '../../../client/tenure-error.ts';

test('the codes of the typed union are those that the API declares', async () => {
  const folder = new URL('../../../api/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /^problem(s\/.*)?\.ts$/.test(file),
  );
  const rooms = await Promise.all(files.map((file) => import(new URL(file, folder).href) as Promise<object>));
  const kinds = rooms.flatMap((room) => Object.values(room)).filter((one): one is ProblemKind => one?.remedy);
  expect([...problemCodes]).toEqual([...new Set(kinds.map(({ code }) => code))].toSorted());
});

test('a switch over the codes of an error is checked by the compiler', () => {
  const error: unknown = undefined;
  // @ts-expect-error there is no such code
  expect(hasCode(error, 'leadership_hold')).toBe(false);
  if (hasCode(error, 'leadership_held', 'unreachable')) {
    const code: 'leadership_held' | 'unreachable' = error.code;
    expect.fail(code);
  }
});

test('every operation is exported', () => {
  expect(operations).toBe(catalogue);
});

const forbidden: typeof globalThis.fetch = async () => Response.json({ message: 'Forbidden' }, { status: 403 });

test('a 403 names the action and resource that are missing, and whose credentials were used', async () => {
  const client = new TenureClient({
    url: 'https://abc123defg.execute-api.eu-west-1.amazonaws.com',
    credentials: () => ({ accessKeyId: 'ASIAQWERTYUIOP123456', secretAccessKey: 'secret' }),
    fetch: forbidden,
  });
  const error = await client.contend('orders', { contenderId: 'a' }).catch((one: unknown) => one);
  expect(error).toMatchObject({ code: 'forbidden', status: 403, retryable: false });
  const resource = 'arn:aws:execute-api:eu-west-1:*:abc123defg/*/POST/v1/groups/orders/leadership/contend';
  expect((error as Error).message).toContain(`access key ASIA…3456: allow its owner execute-api:Invoke on ${resource}`);
  expect((error as Error).message).not.toContain('secret');
});

test('a 403 to an unsigned request says that it was not signed', async () => {
  const client = new TenureClient({ url: 'http://gateway.example', fetch: forbidden });
  await expect(client.observe('orders')).rejects.toThrow(/was not signed: pass credentials/);
});
