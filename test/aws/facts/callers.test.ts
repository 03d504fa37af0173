import { AwsClient } from 'aws4fetch';
import { expect, test } from 'vitest';
import { defaultCredentials } from '../../../client/aws.ts';
import { resourcesFor } from '../../../infra/callers.ts';
import { eventually } from '../../end-to-end/leadership/tenure.ts';
import { asUser } from '../iam.ts';
import { newGroup, stage } from '../stage.ts';

test('a user whose policy is the grant leads its group, and is refused for the neighbour', async () => {
  const group = newGroup();
  const api = /\/\/(\w+)\./.exec(stage.outputs['ApiUrl'] ?? '')?.[1];
  const arn = (resource: string) => `arn:aws:execute-api:${stage.region}:*:${api}/${resource}`;
  const Statement = [
    { Effect: 'Allow', Action: 'execute-api:Invoke', Resource: resourcesFor('leader', group).map(arn) },
  ];
  await asUser(await (await defaultCredentials())(), { Version: '2012-10-17', Statement }, async (credentials) => {
    const { accessKeyId, secretAccessKey } = credentials;
    const user = new AwsClient({
      accessKeyId,
      secretAccessKey,
      region: stage.region,
      service: 'execute-api',
      retries: 0,
    });
    const contend = async (name: string) => {
      const url = `${stage.api}/v1/groups/${name}/leadership/contend`;
      const body = JSON.stringify({ contenderId: 'user', leaseMs: 600_000 });
      return (await user.fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status;
    };
    // A new user and its key take a while to be known everywhere.
    await eventually('the user may lead', async () => (await contend(group)) === 200);
    expect(await contend(`${group}-2`)).toBe(403);
  });
});
