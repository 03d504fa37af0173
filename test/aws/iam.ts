import { randomUUID } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
import type { Credentials } from '../../client/index.ts';

type Call = (action: string, parameters: Readonly<Record<string, string>>) => Promise<string>;

/** IAM, which is one for all Regions, asked with these credentials. */
function iam({ accessKeyId, secretAccessKey, sessionToken }: Credentials): Call {
  const endpoint = process.env['AWS_ENDPOINT_URL'] ?? 'https://iam.amazonaws.com';
  const signing = new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    region: 'us-east-1',
    service: 'iam',
  });
  return async (Action, parameters) => {
    const body = new URLSearchParams({ Action, Version: '2010-05-08', ...parameters }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await signing.fetch(endpoint, { method: 'POST', headers, body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${Action}: ${answer.status} ${text}`);
    return text;
  };
}

/** Makes a user with this policy, lets the work run as that user, and deletes it whatever comes. */
export async function asUser(
  own: Credentials,
  policy: object,
  work: (user: Credentials) => Promise<void>,
): Promise<void> {
  const call = iam(own);
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

/**
 * Denies these roles the actions on the resource while the work runs. Whatever comes, the policies go again: a stack
 * cannot delete a role with a policy that it did not make.
 */
export async function whileDenied(
  own: Credentials,
  { roles, actions, resource }: { roles: readonly string[]; actions: readonly string[]; resource: string },
  work: () => Promise<void>,
): Promise<void> {
  const call = iam(own);
  const PolicyName = 'denied-by-test';
  const Statement = [{ Effect: 'Deny', Action: actions, Resource: resource }];
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  const undo: (() => Promise<unknown>)[] = [];
  try {
    for (const RoleName of roles) {
      await call('PutRolePolicy', { RoleName, PolicyName, PolicyDocument });
      undo.push(() => call('DeleteRolePolicy', { RoleName, PolicyName }));
    }
    await work();
  } finally {
    for (const step of undo) await step();
  }
}
