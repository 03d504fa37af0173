import type { Server } from 'node:http';

/** Listens on loopback only; port 0 lets the system choose. */
export function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        taken ? new PortInUseError(`Port ${port} is in use: choose another with --port, or 0 for any free one`) : cause,
      );
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}

export class PortInUseError extends Error {}

export function close(server: Server, graceMs = 1_000): Promise<void> {
  return new Promise((resolve) => {
    // A connection that a request has just left is kept alive by its client, and would hold the stop up.
    const leaving = setInterval(() => server.closeIdleConnections(), 20);
    const forced = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearInterval(leaving);
      clearTimeout(forced);
      resolve();
    });
  });
}
