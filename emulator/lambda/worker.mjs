/**
 * One copy of a Lambda function in a worker thread: loaded once, then it answers invocations. Plain JavaScript, so that
 * it starts without a compiler.
 */
import { openSync, writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

const { file, exportName, logFile, context: fixed, gate } = workerData;

// At once, as in Lambda: nothing of it may wait for a thread that is about to be frozen.
const log = openSync(logFile, 'a');
for (const stream of [process.stdout, process.stderr]) {
  stream.write = (chunk, encoding, done) => {
    writeSync(log, typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    (typeof encoding === 'function' ? encoding : done)?.();
    return true;
  };
}

async function load() {
  const module = await import(pathToFileURL(file).href);
  const handler = module[exportName] ?? module.default?.[exportName];
  if (typeof handler !== 'function') throw new Error(`${file} exports no function named ${exportName}`);
  return handler;
}

function answerWith(handler) {
  return async ({ id, payload, deadline }) => {
    const context = {
      ...fixed,
      awsRequestId: id,
      callbackWaitsForEmptyEventLoop: true,
      getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    };
    try {
      const result = await handler(JSON.parse(payload), context);
      finish({ type: 'answered', id, payload: JSON.stringify(result) ?? 'null' });
    } catch (cause) {
      finish({ type: 'failed', id, error: described(cause) });
    }
  };
}

/**
 * Answers; with a gate the whole thread then stands still, timers and sockets too, until the next invocation opens it.
 */
function finish(message) {
  if (gate) Atomics.store(gate, 0, 0);
  parentPort.postMessage(message);
  if (gate) Atomics.wait(gate, 0, 0);
}

function described(cause) {
  if (!(cause instanceof Error)) return { errorType: typeof cause, errorMessage: String(cause) };
  return { errorType: cause.name, errorMessage: cause.message, trace: (cause.stack ?? '').split('\n') };
}

try {
  const answer = answerWith(await load());
  parentPort.on('message', (message) => {
    if (message.type === 'ping') parentPort.postMessage({ type: 'pong' });
    else void answer(message);
  });
  parentPort.postMessage({ type: 'loaded' });
} catch (cause) {
  parentPort.postMessage({ type: 'unloadable', error: described(cause) });
}
