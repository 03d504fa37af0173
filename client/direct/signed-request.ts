import type { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { PreparedRequest } from '../transport.ts';

/** The parts of the SDK's request that are sent. */
interface SentRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** Ends the command in place of its request. */
class SignedError extends Error {
  override readonly name = 'SignedError';
}

/** The request that the command would send, signed: DynamoDB accepts it for five minutes. */
export async function signedRequest(client: DynamoDBDocumentClient, command: UpdateCommand): Promise<PreparedRequest> {
  let signed: SentRequest | undefined;
  command.middlewareStack.add(
    () =>
      async ({ request }) => {
        signed = request as SentRequest;
        throw new SignedError('The request is signed and not sent');
      },
    { step: 'deserialize', priority: 'low', name: 'keepSignedRequest', override: true },
  );
  await client.send(command).catch((error: unknown) => {
    if (!(error instanceof SignedError)) throw error;
  });
  if (!signed) throw new Error('The SDK signed no request');
  const { protocol, hostname, port, path, method, headers, body } = signed;
  // fetch sets these itself, to the same.
  const { host: _host, 'content-length': _length, ...others } = headers;
  const url = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`;
  return { url, method, headers: others, body: typeof body === 'string' ? body : new TextDecoder().decode(body) };
}
