import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';

/** Calls a function with an event and comes back at once; Lambda tries again what it throttles. */
export function functionClient(client: LambdaClient) {
  return async (FunctionName: string, event: object): Promise<'called'> => {
    await client.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: JSON.stringify(event) }));
    return 'called';
  };
}
