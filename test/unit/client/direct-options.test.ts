import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { tableClient } from '../../../client/direct/table-client.ts';
import { LeaderElector } from '../../../client/leadership/elector.ts';
import { TenureClient } from '../../../client/tenure-client.ts';
import { recordedShell } from '../../support/shell.ts';

describe('an elector', () => {
  test('needs a client or a table, and not both', () => {
    const client = new TenureClient({ url: 'http://127.0.0.1:9' });
    for (const given of [{}, { client, table: 'leases' }])
      expect(() => new LeaderElector({ group: 'orders', ...given })).toThrow('a client or a table, and not both');
    expect(new LeaderElector({ group: 'orders', table: 'leases' }).isLeader()).toBe(false);
    expect(tableClient({ table: 'leases' })).toMatchObject({ mode: 'direct', url: 'table:leases' });
    expect(client.mode).toBe('api');
  });
});

describe('tenure', () => {
  async function tenure(...argv: string[]) {
    const { shell, err } = recordedShell();
    return { code: await runCli(argv, shell), err: err() };
  }

  test('refuses a table next to an API, and a name that no table has', async () => {
    for (const [argv, message] of [
      [['groups', '--table', 't-1', '--url', 'http://a'], '--table excludes --url and --stack'],
      [['table', 'create', 'a b'], 'The table is "a b"'],
      [['groups', '--table', 'a b'], '--table is "a b": a table has 3 to 255 letters'],
      [['table', 'policy', 'leases', '--group', 'a/b'], '--group is "a/b"'],
      [['table', 'policy', 'leases'], '--group'],
    ] as const)
      expect(await tenure(...argv)).toEqual({ code: 64, err: expect.stringContaining(message) });
  });

  test('says which of its commands need the API', async () => {
    const { shell, err } = recordedShell({ TENURE_TABLE: 'leases' });
    expect(await runCli(['job', 'ls', '--group', 'orders'], shell)).toBe(1);
    expect(err()).toContain('Table "leases" holds leases alone');
  });
});

/** The inputs that a program loads before its first call. */
async function loadedAtOnce(entry: string, platform: 'node' | 'browser'): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform,
    // In the package its field "browser" puts a stand-in there.
    ...(platform === 'browser' && { external: ['./client/aws.ts'] }),
    outdir: 'out',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const { outputs } = metafile;
  const first = Object.keys(outputs).find((file) => outputs[file]?.entryPoint === entry) ?? expect.fail(entry);
  const reached = new Set([first]);
  for (const file of reached)
    for (const { path, kind } of outputs[file]?.imports ?? []) if (kind === 'import-statement') reached.add(path);
  return [...reached].flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}));
}

describe('the SDK and the rules of leadership', () => {
  test('are loaded with the first call in direct mode, not with the library', async () => {
    const loaded = await loadedAtOnce('client/index.ts', 'node');
    expect(loaded).toContain('client/direct/table-client.ts');
    expect(loaded.filter((file) => /@aws-sdk\/(client|lib)-dynamodb|^leadership\//.test(file))).toEqual([]);
  });

  test('are not in a bundle for browsers at all', async () => {
    const loaded = await loadedAtOnce('client/browser.ts', 'browser');
    expect(loaded).toContain('client/tenure-client.ts');
    expect(loaded.filter((file) => /@aws-sdk|^leadership\/|^store\/|^client\/direct\//.test(file))).toEqual([]);
    expect(readFileSync('client/browser.ts', 'utf8')).not.toContain('direct');
  });
});
