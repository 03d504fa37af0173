import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Definitions that the schema of the language has accepted: it is compiled anew for each, which a start would wait for.
 */
export interface AcceptedDefinitions {
  has(definition: string): boolean;
  add(definition: string): void;
}

export const rememberNone: AcceptedDefinitions = { has: () => false, add: () => {} };

/** Remembers them in a folder, which others may use at the same time. */
export function acceptedIn(folder: string): AcceptedDefinitions {
  const fileOf = (definition: string) => join(folder, createHash('sha256').update(definition).digest('hex'));
  return {
    has: (definition) => existsSync(fileOf(definition)),
    add(definition) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(fileOf(definition), '');
    },
  };
}
