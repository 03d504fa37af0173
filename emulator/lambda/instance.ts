import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FunctionError, HostedFunction, Outcome } from './function.ts';

/** One running copy of a function. */
export interface Instance {
  invoke(payload: string, requestId: string): Promise<Outcome>;
  /** False once it crashed or an invocation timed out: the next one goes to a new copy. */
  inService(): boolean;
  stop(): Promise<void>;
}

interface Invocation {
  settle(outcome: Outcome): void;
  timer?: NodeJS.Timeout;
}

type FromWorker =
  | { type: 'loaded' | 'pong' }
  | { type: 'unloadable'; error: FunctionError }
  | { type: 'answered'; id: string; payload: string }
  | { type: 'failed'; id: string; error: FunctionError };

const pongWithinMs = 1_000;
const loadWithinMs = 10_000;

export interface InstanceRules {
  /** One invocation at a time, frozen in between; a timeout ends the thread at once. */
  isolated: boolean;
}

export function startInstance(
  hosted: HostedFunction,
  { isolated }: InstanceRules,
  ended: (instance: Instance) => void,
): Instance {
  const running = new Map<string, Invocation>();
  let retired = false;
  let crash: FunctionError | undefined;
  let pongTimer: NodeJS.Timeout | undefined;
  /** Loading does not count towards the timeout of an invocation: these wait for it. */
  let waiting: (() => void)[] | undefined = [];
  /** 0 while the thread may not run. */
  const gate = isolated ? new Int32Array(new SharedArrayBuffer(4)) : undefined;

  mkdirSync(dirname(hosted.logFile), { recursive: true });
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: {
      file: hosted.file,
      exportName: hosted.exportName,
      logFile: hosted.logFile,
      context: fixedContext(hosted),
      gate,
    },
    env: hosted.environment,
    // Without this the thread would inherit what Node was started with: in tests, a loader of TypeScript.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: hosted.memoryMiB },
  });
  const loadTimer = setTimeout(() => {
    crash = { errorType: 'Sandbox.Timedout', errorMessage: `Init timed out after ${loadWithinMs / 1000} seconds` };
    void worker.terminate();
  }, loadWithinMs);

  worker.on('message', (message: FromWorker) => {
    if (message.type === 'pong') clearTimeout(pongTimer);
    if (message.type === 'loaded') {
      clearTimeout(loadTimer);
      for (const begin of waiting ?? []) begin();
      waiting = undefined;
    }
    if (message.type === 'unloadable') {
      crash = message.error;
      void worker.terminate();
    }
    if (message.type === 'answered') settle(message.id, { payload: message.payload });
    if (message.type === 'failed') settle(message.id, { error: message.error });
  });
  worker.on('error', (cause: Error & { code?: string }) => {
    crash =
      cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
        ? { errorType: 'Runtime.OutOfMemory', errorMessage: `Memory above ${hosted.memoryMiB} MiB` }
        : { errorType: cause.name, errorMessage: cause.message, trace: (cause.stack ?? '').split('\n') };
  });
  worker.on('exit', (code) => {
    retired = true;
    clearTimeout(pongTimer);
    clearTimeout(loadTimer);
    const error = crash ?? { errorType: 'Runtime.ExitError', errorMessage: `Runtime exited with code ${code}` };
    for (const id of [...running.keys()]) settle(id, { error });
    ended(instance);
  });

  function settle(id: string, outcome: Outcome) {
    const invocation = running.get(id);
    if (!invocation) return;
    clearTimeout(invocation.timer);
    running.delete(id);
    invocation.settle(outcome);
    if (retired && running.size === 0) void worker.terminate();
  }

  /** Others may still finish in the thread, unless the one that timed out blocks it. */
  function timeOut(id: string) {
    retired = true;
    const errorMessage = `RequestId: ${id} Error: Task timed out after ${(hosted.timeoutMs / 1000).toFixed(2)} seconds`;
    settle(id, { error: { errorType: 'Sandbox.Timedout', errorMessage } });
    if (isolated) void worker.terminate();
    if (running.size === 0) return;
    worker.postMessage({ type: 'ping' });
    pongTimer ??= setTimeout(() => void worker.terminate(), pongWithinMs);
  }

  const instance: Instance = {
    invoke(payload, requestId) {
      return new Promise<Outcome>((resolve) => {
        const invocation: Invocation = { settle: resolve };
        running.set(requestId, invocation);
        const begin = () => {
          invocation.timer = setTimeout(() => timeOut(requestId), hosted.timeoutMs);
          if (gate) thaw(gate);
          worker.postMessage({ type: 'invoke', id: requestId, payload, deadline: Date.now() + hosted.timeoutMs });
        };
        if (waiting) waiting.push(begin);
        else begin();
      });
    },
    inService: () => !retired,
    async stop() {
      await worker.terminate();
    },
  };
  return instance;
}

function thaw(gate: Int32Array): void {
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
}

function fixedContext({ name, arn, memoryMiB, environment }: HostedFunction) {
  return {
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: arn,
    memoryLimitInMB: String(memoryMiB),
    logGroupName: environment['AWS_LAMBDA_LOG_GROUP_NAME'] ?? '',
    logStreamName: environment['AWS_LAMBDA_LOG_STREAM_NAME'] ?? '',
  };
}
