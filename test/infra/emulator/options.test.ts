import { expect, test } from 'vitest';
import { readOptions } from '../../../emulator/options.ts';

test('the defaults are port 8787, the folder that is given and every schedule', () => {
  expect(readOptions([], {}, '.tenure')).toEqual({
    port: 8787,
    data: '.tenure',
    schedules: true,
    app: 'infra/app.ts',
    hosts: [],
    enforceRoles: false,
    likeAws: undefined,
  });
});

test('options win over the environment', () => {
  expect(readOptions([], { PORT: '9000' }, '.tenure').port).toBe(9000);
  expect(readOptions(['--port=0', '--data', 'd', '--no-schedules'], { PORT: '9000' }, '.tenure')).toMatchObject({
    port: 0,
    data: 'd',
    schedules: false,
  });
  expect(readOptions(['--ephemeral'], {}, '.tenure').data).toBeUndefined();
});

test.each([
  [['--prot', '1'], {}, "Unknown option '--prot'"],
  [['8787'], {}, "Unexpected argument '8787'"],
  [['--port'], {}, "Option '--port <value>' argument missing"],
  [['--port', 'http'], {}, 'The port is "http": give a number from 0 to 65535'],
  [['--port', '65536'], {}, 'The port is "65536"'],
  [[], { PORT: '-1' }, 'The port is "-1"'],
  [['--ephemeral', '--data', 'd'], {}, '--ephemeral and --data exclude each other'],
  [['--data', ''], {}, '--data is empty'],
  [['--like-aws', 'x'], {}, 'The seed of --like-aws is "x"'],
])('%j with %j is refused', (argv, environment, message) => {
  expect(() => readOptions(argv, environment, '.tenure')).toThrow(message);
});
