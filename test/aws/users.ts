import { randomUUID } from 'node:crypto';
import { AwsClient } from 'aws4fetch';

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** Makes a user with this policy, lets the work run as that user, and deletes it whatever comes. */
export async function asUser(
  own: Credentials,
  policy: object,
  work: (user: Credentials) => Promise<void>,
): Promise<void> {
  const endpoint = process.env['AWS_ENDPOINT_URL'] ?? 'https://iam.amazonaws.com';
  const { accessKeyId, secretAccessKey, sessionToken } = own;
  const iam = new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    region: 'us-east-1',
    service: 'iam',
  });
  const call = async (Action: string, parameters: Record<string, string>) => {
    const body = new URLSearchParams({ Action, Version: '2010-05-08', ...parameters }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await iam.fetch(endpoint, { method: 'POST', headers, body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${Action}: ${answer.status} ${text}`);
    return text;
  };
  const UserName = `tenure-test-${randomUUID()}`;
  const undo: (() => Promise<unknown>)[] = [];
  try {
    await call('CreateUser', { UserName });
    undo.push(() => call('DeleteUser', { UserName }));
    await call('PutUserPolicy', { UserName, PolicyName: 'tenure', PolicyDocument: JSON.stringify(policy) });
    undo.push(() => call('DeleteUserPolicy', { UserName, PolicyName: 'tenure' }));
    const made = await call('CreateAccessKey', { UserName });
    const [AccessKeyId = '', SecretAccessKey = ''] = ['AccessKeyId', 'SecretAccessKey'].map(
      (name) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(made)?.[1],
    );
    undo.push(() => call('DeleteAccessKey', { UserName, AccessKeyId }));
    await work({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey });
  } finally {
    for (const step of undo.reverse()) await step();
  }
}
