import { ProblemError } from '../../api/problem.ts';
import { isThrottled, isUnavailable } from '../../store/store-errors.ts';
import { type ErrorFacts, TenureError } from '../tenure-error.ts';

export function noAnswer(table: string, request: string, timeoutMs: number): TenureError {
  return new TenureError(
    `DynamoDB did not answer for table "${table}" within ${Math.round(timeoutMs)} ms: check the network, its endpoint and the Region.`,
    { code: 'unreachable', status: 0, retryable: true, request },
  );
}

/** The error as a client of the API would get it, or the one that only a table can cause. */
export function toTenureError(error: unknown, table: string, request: string): TenureError {
  if (error instanceof TenureError) return error;
  if (error instanceof ProblemError) {
    const { code, status, retryable } = error.kind;
    const { retryAfterMs, ...members } = error.members;
    return new TenureError(error.detail, { code, status, retryable, retryAfterMs, members, request });
  }
  const { name = '', message = String(error) } = error instanceof Error ? error : {};
  const { text, ...facts } = factsOf(name, message, error, table);
  return new TenureError(text, { ...facts, request }, { cause: error });
}

const refusals = new Set([
  'AccessDeniedException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'ExpiredTokenException',
  'MissingAuthenticationTokenException',
]);

type Facts = Omit<ErrorFacts, 'request'> & { readonly text: string };

function factsOf(name: string, message: string, error: unknown, table: string): Facts {
  if (name === 'ResourceNotFoundException')
    return {
      text: `There is no table "${table}" in this account and Region: create it with tenure table create ${table}, or check the Region.`,
      code: 'not_found',
      status: 404,
      retryable: false,
    };
  if (refusals.has(name))
    return {
      text: `DynamoDB refused a request for table "${table}": ${message}. tenure table policy ${table} prints the permissions that a group needs.`,
      code: 'forbidden',
      status: 403,
      retryable: false,
    };
  if (name === 'CredentialsProviderError')
    return {
      text: `There are no AWS credentials for table "${table}" (${message}): check what provides them, such as AWS_PROFILE, the environment or the instance's role.`,
      code: 'unreachable',
      status: 0,
      retryable: true,
    };
  if (name === 'ValidationException')
    return {
      text: `Table "${table}" is not a table of leases (${message}): its keys must be the texts pk and sk, as tenure table create makes them.`,
      code: 'unexpected_answer',
      status: 400,
      retryable: false,
    };
  if (isThrottled(error))
    return { text: `Table "${table}" is throttled: ${message}.`, code: 'throttled', status: 429, retryable: true };
  if (isUnavailable(error))
    return {
      text: `DynamoDB cannot be reached for table "${table}" (${message || name}): check the network, its endpoint and the Region.`,
      code: 'unreachable',
      status: 0,
      retryable: true,
    };
  if (/^Region is missing/.test(message))
    return {
      text: `The AWS Region of table "${table}" is not known: give region, or set AWS_REGION.`,
      code: 'invalid_request',
      status: 0,
      retryable: false,
    };
  return { text: `Table "${table}": ${message}`, code: 'internal', status: 500, retryable: false };
}
