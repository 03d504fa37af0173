/**
 * Takes part in an election until it is killed: says "request" before each request and "leading" once it is confirmed.
 */
import { LeaderElector, type LeaderElectorOptions } from '../../../client/leadership/elector.ts';
import { TenureClient } from '../../../client/tenure-client.ts';

const [url = '', given = '{}'] = process.argv.slice(2);
const settings = JSON.parse(given) as Omit<LeaderElectorOptions, 'client' | 'address'>;
const counted: typeof fetch = (...request) => {
  console.log('request');
  return fetch(...request);
};
new LeaderElector({
  ...settings,
  client: new TenureClient({ url, fetch: counted }),
  address: `http://${settings.contenderId}`,
  onConfirmed: () => console.log('leading'),
}).start();
