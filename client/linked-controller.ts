/** Undefined in a browser, which has no such warning. */
const nodeEvents = globalThis.process?.getBuiltinModule?.('node:events');

/**
 * A controller that the first of these signals to fire aborts, until it is unlinked. AbortSignal.any would leave an
 * entry on a signal that lives for long for each one that is made from it (Node 20).
 */
export function linkedController(...signals: readonly (AbortSignal | undefined)[]) {
  const controller = new AbortController();
  const links = signals.flatMap((signal) => {
    if (!signal) return [];
    const onAbort = () => controller.abort(signal.reason);
    if (signal.aborted) onAbort();
    // Node warns of a leak from 11 on: here there are as many as there are calls under way. It knows no signals but its
    // own.
    if (signal instanceof EventTarget) nodeEvents?.setMaxListeners(0, signal);
    signal.addEventListener('abort', onAbort, { once: true });
    return [() => signal.removeEventListener('abort', onAbort)];
  });
  const unlink = () => {
    for (const removeListener of links) removeListener();
  };
  return { controller, unlink };
}
