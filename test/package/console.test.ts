import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { watch } from '../support/processes.ts';

test('the packed tarball has the page of the console, and serves it', async () => {
  const words = ['console', '--no-open', '--port', '0', '--url', 'http://127.0.0.1:1'];
  const running = watch(join(inject('consumer'), 'node_modules/.bin/tenure'), words);
  await running.says('Ctrl-C ends it');
  const address = /http:\S+token=\S+/.exec(running.output())?.[0] ?? expect.fail(running.output());
  const entered = await fetch(address, { redirect: 'manual' });
  const cookie = entered.headers.get('set-cookie')?.split(';')[0] ?? '';
  const at = (path: string) => fetch(new URL(path, address), { headers: { cookie } });
  expect(await (await at('/')).text()).toContain('<script type="module" src="console.js">');
  expect((await at('/console.js')).headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(await (await at('/api/v1/groups')).json()).toMatchObject({ code: 'unreachable' });
  running.child.kill('SIGTERM');
  expect(await running.ended(), running.output()).toBe(0);
});
