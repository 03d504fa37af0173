import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileOf, Kitchen } from '../support/docs/recipes.ts';
import { type Aws, startAws } from '../support/package/aws.ts';

let aws: Aws;
beforeAll(async () => {
  aws = await startAws((_method, path) => ({
    body: JSON.stringify({ leader: { address: `10.0.0.1:80 of ${path}` }, fencingVersion: 7, pending: false }),
  }));
});
afterAll(() => aws.stop());

const environment = (here: Kitchen) => ({
  ...aws.environment('environment', here.folder),
  TENURE_URL: `${aws.url}/prod`,
});

test('the Python program of the recipe signs its request, and prints where the leader is', async () => {
  const here = new Kitchen({});
  const file = here.write('leader.py', fileOf('read-the-leader', 'leader.py'));
  const asked = here.run('python3', [file], environment(here));
  expect(await asked.ended(), asked.output()).toBe(0);
  expect(asked.output()).toBe('10.0.0.1:80 of /v1/groups/orders/leadership\n');
  expect(aws.signed.at(-1)).toMatchObject({ source: 'environment', request: 'GET /prod/v1/groups/orders/leadership' });
});

/** Credentials of a role, whose token is signed as well. */
const ofRole = {
  AWS_ACCESS_KEY_ID: 'ASIACONTAINER',
  AWS_SECRET_ACCESS_KEY: 'secret of the container',
  AWS_SESSION_TOKEN: 'token of the container',
};

test.runIf(spawnSync('curl', ['--version']).status === 0).each([
  ['environment', {}],
  ['container', ofRole],
])('so does the command with curl, with credentials of the %s', async (source, credentials) => {
  const here = new Kitchen({});
  const asked = here.sh(fileOf('read-the-leader', 'leader.sh'), { ...environment(here), ...credentials });
  expect(await asked.ended(), asked.output()).toBe(0);
  expect(JSON.parse(asked.output())).toMatchObject({ fencingVersion: 7 });
  expect(aws.signed.at(-1)).toMatchObject({ source, request: 'GET /prod/v1/groups/orders/leadership' });
});
