import { constants } from 'node:os';
import type { Shell } from './shell.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * While it lasts, Ctrl-C (or a request to end) ends the process with 128 + N, as a shell counts signals, after one line
 * from `describe`: what continues without this command, and how to follow or cancel it. The returned function ends it.
 */
export function interruptible(shell: Shell, json: boolean | undefined, describe: () => string): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    const message = describe();
    shell.err(json ? JSON.stringify({ error: { code: 'interrupted', message } }) : `tenure: ${message}`);
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of signals) process.once(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}
