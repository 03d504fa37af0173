import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Gate } from './locks.ts';

export interface Relay {
  readonly endpoint: string;
  stop(): void;
}

/** An endpoint of one contender's own: it sends on to the wire what its gate lets through. */
export async function gatedRelay(wire: string, gate: Gate): Promise<Relay> {
  const server = createServer(async (incoming, outgoing) => {
    const { method, headers } = incoming;
    const body = await buffer(incoming);
    await gate.through(
      () =>
        new Promise<void>((resolve, reject) => {
          const onward = request(`${wire}${incoming.url}`, { method, headers }, (answer) => {
            outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
            answer.pipe(outgoing).once('finish', resolve).once('close', resolve);
          });
          onward.once('error', reject).end(body);
        }),
    );
  });
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
