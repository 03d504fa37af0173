/** One Lambda function in a worker thread: loaded once, it answers invocations side by side. Plain JavaScript, so that it starts without a compiler. */
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

const { file, exportName, context: fixed } = workerData;

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
      parentPort.postMessage({ type: 'answered', id, payload: JSON.stringify(result) ?? 'null' });
    } catch (cause) {
      parentPort.postMessage({ type: 'failed', id, error: described(cause) });
    }
  };
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
