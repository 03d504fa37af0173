import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** A name for this process that no other has: host, process id and a random part. */
export function defaultContenderId(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  return `${(host || 'host').slice(0, 90)}-${process.pid}-${randomUUID().slice(0, 8)}`;
}
