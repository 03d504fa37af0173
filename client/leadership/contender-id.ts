import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** A contender id that no other process has: host, process id and a random part. */
export function defaultContenderId(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  return `${(host || 'host').slice(0, 90)}-${process.pid}-${randomUUID().slice(0, 8)}`;
}

/** Host and process id: who reads it finds the process, if not its port. */
export function defaultAddress(): string {
  return `${hostname() || 'localhost'}:${process.pid}`.slice(-256);
}
