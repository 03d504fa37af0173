import { TenureError } from '../client/tenure-error.ts';

/**
 * Most likely a typo. The service answers 200, since watchers wait for a first leader; a person means one that there
 * is.
 */
export function refuseNeverLed(group: string): never {
  throw new TenureError(`Group "${group}" has never been led. Check the name; tenure groups lists the groups.`, {
    code: 'group_not_found',
    status: 404,
    retryable: false,
    request: `group ${group}`,
  });
}
