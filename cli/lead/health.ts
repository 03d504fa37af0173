/**
 * `tenure lead --health`: over HTTP, whether this process leads, for load balancers and probes. They ask by address
 * from other machines, so the guard accepts every address as Host, and names only as configured.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Option } from 'commander';
import type { Term } from '../../client/leadership/term.ts';
import { UsageError } from '../exit.ts';
import { guarded } from '../request-guard.ts';

export interface HealthAddress {
  /** Undefined for all addresses of the host. */
  readonly host: string | undefined;
  readonly port: number;
}

/** The last two keep a page that embeds the address from learning the status. */
const headers = {
  'Content-Type': 'application/json',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

export const healthOption = () =>
  new Option(
    '--health <address>',
    'serve HTTP there, 200 only while leading and confirmed: [HOST]:PORT; without HOST on all addresses',
  ).argParser(healthAddress);

/** @throws UsageError unless it is HOST:PORT, [IPv6]:PORT or :PORT. */
export function healthAddress(given: string): HealthAddress {
  const [, literal, name = '', digits = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(given) ?? [];
  const port = Number(digits);
  if (digits === '' || port > 65_535) {
    throw new UsageError(`--health is "${given}": give HOST:PORT, such as 127.0.0.1:8080, or :8080.`);
  }
  return { host: literal ?? (name || undefined), port };
}

export class Health {
  readonly #server: Server;
  readonly #group: string;
  #term: Term | undefined;

  /** `hosts` are names that a Host header may have besides addresses. */
  constructor(group: string, hosts: readonly string[] = []) {
    this.#group = group;
    const rules = { hosts, anyAddress: true, bodyTypes: ['application/json'] };
    this.#server = createServer(guarded(rules, (request, response) => this.#serve(request, response)));
    // A probe must not keep the process from ending.
    this.#server.keepAliveTimeout = 1_000;
  }

  /** Returns where it listens. @throws UsageError when that address cannot be had. */
  async listen({ host, port }: HealthAddress): Promise<string> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening').catch(({ code, message }: NodeJS.ErrnoException) => {
      const shown = `${host ?? ''}:${port}`;
      throw new UsageError(code === 'EADDRINUSE' ? `--health ${shown}: the port is in use.` : `--health: ${message}.`);
    });
    const { address, family, port: taken } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`;
  }

  /** From now on observers see this term as the leader's. */
  confirmed(term: Term): void {
    this.#term = term;
  }

  /** The command of the term has ended. */
  over(): void {
    this.#term = undefined;
  }

  end(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #serve({ method, url = '' }: IncomingMessage, response: ServerResponse): void {
    const send = (status: number, body: object) => {
      response.writeHead(status, headers);
      response.end(method === 'HEAD' ? undefined : `${JSON.stringify(body)}\n`);
    };
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      send(405, { error: 'Only GET and HEAD are served.' });
      return;
    }
    // The clocks are read for each request: a lease that ran out during a freeze is no longer held.
    const term = this.#term?.isLeader() ? this.#term : undefined;
    const state = { group: this.#group, leading: term !== undefined, fencingVersion: term?.fencingVersion ?? null };
    send(term || url.split('?')[0] === '/live' ? 200 : 503, state);
  }
}
