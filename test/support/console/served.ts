/** `tenure console` as a person runs it, before an API that the test can take away or fill. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { project } from '../stack.ts';

export interface ApiDoor {
  readonly url: string;
  /** Cuts every connection, as an API that is gone does. */
  isDown: boolean;
  /** Answers a path in place of the API. */
  answer: ((path: string) => unknown) | undefined;
  close(): void;
}

/** Stands before the API, and passes everything on unless it is told otherwise. */
export async function doorBefore(api: string): Promise<ApiDoor> {
  const server = createServer(async (request, response) => {
    if (door.isDown) {
      request.socket.destroy();
      return;
    }
    const path = request.url ?? '';
    const made = door.answer?.(path);
    if (made !== undefined) {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(made));
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = 'GET', headers } = request;
    const body = method === 'GET' ? {} : { body: Buffer.concat(chunks) };
    const sent = { 'content-type': 'application/json', 'idempotency-key': String(headers['idempotency-key'] ?? '') };
    const answer = await fetch(api + path, { method, ...(method !== 'GET' && { headers: sent }), ...body });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(await answer.text());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const door: ApiDoor = { url, isDown: false, answer: undefined, close };
  return door;
}

export interface ServedConsole {
  /** As it is printed: with the token. */
  readonly address: string;
  stop(): Promise<void>;
}

export async function serveConsole(api: string, data: string): Promise<ServedConsole> {
  const words = ['console', '--no-open', '--port', '0', '--url', api, '--data', data];
  const child: ChildProcess = spawn(join(project, 'cli/tenure'), words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const orphanGuard = () => child.kill('SIGKILL');
  process.once('exit', orphanGuard);
  const address = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk;
      const found = /^console on (\S+)/m.exec(said)?.[1];
      if (found) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`tenure console ended with ${code}: ${said}`)));
  });
  return {
    address,
    async stop() {
      process.off('exit', orphanGuard);
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}
