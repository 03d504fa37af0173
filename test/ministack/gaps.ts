/** Differences of MiniStack 1.5.33 from AWS: each test that cannot run there names the gap. */
import { inject } from 'vitest';

const gaps = {
  'creation dates in whole seconds':
    'DescribeTable tells CreationDateTime without its fraction, which AWS documents (1.363729002358E9).',
  'timeouts in JSONata':
    'TimeoutSeconds and HeartbeatSeconds must be numbers: an expression, which AWS evaluates, fails the execution.',
  'task tokens':
    'SendTask* is checked against every resource, so that a right on the state machine, as the CDK grants it, never fits.',
  'custom resources':
    'ResponseURL is HTTP on its own port; the provider of the CDK responds by HTTPS on port 443, and the stack waits 1 h.',
  'tags of deleted tables': 'GetResources lists tables that the deletion of a stack has deleted.',
  'bootstrap version': 'No bootstrap stack has put /cdk-bootstrap/hnb659fds/version into Parameter Store.',
} as const;

/** For `test.skipIf`: whether the test runs against MiniStack, which has this gap. */
export const missing = (_gap: keyof typeof gaps): boolean => inject('store') === 'MiniStack';
