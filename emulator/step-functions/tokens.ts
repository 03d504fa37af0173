import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { isObject, parseJson, ServiceError } from './protocol.ts';

const signatureBytes = 16;

/** Task tokens say which execution they belong to, and are signed, so that none has to be remembered. */
export function createTokens(key: Buffer) {
  const sign = (body: Buffer) => createHmac('sha256', key).update(body).digest().subarray(0, signatureBytes);

  return {
    issue(executionArn: string, attempt: number): string {
      const body = Buffer.from(JSON.stringify({ executionArn, attempt, salt: randomBytes(9).toString('base64url') }));
      return Buffer.concat([sign(body), body]).toString('base64url');
    },

    /** Throws InvalidToken for anything that `issue` did not make. */
    executionOf(token: string): string {
      const bytes = Buffer.from(token, 'base64url');
      const signature = bytes.subarray(0, signatureBytes);
      const body = bytes.subarray(signatureBytes);
      const genuine = signature.length === signatureBytes && timingSafeEqual(signature, sign(body));
      const content = genuine ? parseJson(body.toString('utf8')) : undefined;
      if (!isObject(content)) throw new ServiceError('InvalidToken', "Invalid Token: 'Invalid token'");
      return String(content['executionArn']);
    },
  };
}

export type Tokens = ReturnType<typeof createTokens>;
