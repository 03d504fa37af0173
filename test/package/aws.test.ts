import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { ProblemError } from '../../api/problem.ts';
import { ManualTime } from '../support/manual-time.ts';
import { type Aws, region, sources, stackName, startAws } from '../support/package/aws.ts';
import { watch } from '../support/processes.ts';
import { project } from '../support/stack.ts';
import { FakeService, type Step } from '../unit/client/fake-service.ts';

const ways = [
  ['a clone', () => join(project, 'cli/tenure')],
  ['the packed tarball', () => join(inject('consumer'), 'node_modules/.bin/tenure')],
] as const;

let aws: Aws;
let group: FakeService;
beforeAll(async () => {
  aws = await startAws((method, path, headers, body) => {
    if (path === '/v1/groups') return { body: '{"items":[]}' };
    const step = method === 'GET' ? 'observe' : (path.split('/').at(-1) as Step);
    try {
      return {
        body: JSON.stringify(group.act(step, JSON.parse(body || '{}'), headers)),
      };
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      return { status: error.kind.status, body: JSON.stringify(error) };
    }
  });
});
afterAll(() => aws.stop());

describe.each(ways)('the command from %s', (_, binary) => {
  function tenure(source: (typeof sources)[number], ...argv: string[]) {
    const home = mkdtempSync(join(tmpdir(), 'tenure-home-'));
    onTestFinished(() => rmSync(home, { recursive: true, force: true }));
    const watched = watch(binary(), argv, { cwd: home, env: aws.environment(source, home) });
    onTestFinished(() => void watched.child.kill('SIGKILL'));
    return watched;
  }

  test.each(sources)('finds the API of a stack and signs, with credentials of the %s', async (source) => {
    aws.signed.length = 0;
    const asked = tenure(source, 'groups', '--stack', stackName);
    expect(await asked.ended(), asked.output()).toBe(0);
    expect(aws.signed).toEqual([
      { source, service: 'cloudformation', request: 'POST /' },
      { source, service: 'execute-api', request: 'GET /prod/v1/groups' },
    ]);
  });

  test('signs for a custom domain when it is told the region, and says what it lacks when it has no credentials', async () => {
    const asked = tenure('environment', 'groups', '--url', `${aws.url}/prod`, '--region', region);
    expect(await asked.ended(), asked.output()).toBe(0);
    const home = mkdtempSync(join(tmpdir(), 'tenure-home-'));
    onTestFinished(() => rmSync(home, { recursive: true, force: true }));
    const env = { PATH: process.env['PATH'], HOME: home, AWS_EC2_METADATA_DISABLED: 'true' };
    const lost = watch(binary(), ['groups', '--url', aws.url, '--region', region], { env });
    expect(await lost.ended()).toBe(69);
    expect(lost.output()).toContain('no credentials to sign requests');
  });

  test('says that standard output is closed, where Node alone would lose what it prints', async () => {
    const closed = watch('sh', ['-c', `${binary()} --version >&-`]);
    expect(await closed.ended()).toBe(74);
    expect(closed.output()).toBe('tenure: cannot write to standard output (it is closed)\n');
  });

  test('lead passes the address and the region on, and the resignation that its guard sends is signed', async () => {
    const time = new ManualTime();
    group = new FakeService(time);
    aws.signed.length = 0;
    const script = 'echo "at $TENURE_URL in $TENURE_REGION"; sleep 600';
    const leading = tenure(
      'profile',
      'lead',
      '--stack',
      stackName,
      '-g',
      'orders',
      '--lease',
      '60s',
      'sh',
      '-c',
      script,
    );
    await leading.says('confirmed');
    expect(leading.output()).toContain(`at ${aws.url}/prod in ${region}`);
    leading.child.kill('SIGKILL');
    const resigned = { source: 'profile', service: 'execute-api', request: expect.stringMatching(/POST .*\/resign$/) };
    await vi.waitFor(() => expect(aws.signed).toContainEqual(resigned), { timeout: 30_000 });
    expect(group.live).toBe(false);
  });
});
