import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FunctionError, HostedFunction, Outcome } from './function.ts';

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

/** One running copy of a function. */
export class Instance {
  readonly #hosted: HostedFunction;
  readonly #isolated: boolean;
  readonly #ended: (instance: Instance) => void;
  readonly #worker: Worker;
  readonly #loadTimer: NodeJS.Timeout;
  readonly #running = new Map<string, Invocation>();
  /** 0 while the thread may not run. */
  readonly #gate: Int32Array | undefined;
  #retired = false;
  #crash: FunctionError | undefined;
  #pongTimer: NodeJS.Timeout | undefined;
  /** Loading does not count towards the timeout of an invocation: these wait for it. */
  #waiting: (() => void)[] | undefined = [];

  /** Starts it; `ended` is called once it is gone. */
  constructor(hosted: HostedFunction, { isolated }: InstanceRules, ended: (instance: Instance) => void) {
    this.#hosted = hosted;
    this.#isolated = isolated;
    this.#ended = ended;
    this.#gate = isolated ? new Int32Array(new SharedArrayBuffer(4)) : undefined;
    this.#worker = startWorker(hosted, this.#gate);
    this.#loadTimer = setTimeout(() => {
      const errorMessage = `Init timed out after ${loadWithinMs / 1000} seconds`;
      this.#fail({ errorType: 'Sandbox.Timedout', errorMessage });
    }, loadWithinMs);
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (cause: Error & { code?: string }) => {
      this.#crash = crashOf(cause, hosted);
    });
    this.#worker.on('exit', (code) => this.#exit(code));
  }

  invoke(payload: string, requestId: string): Promise<Outcome> {
    return new Promise((resolve) => {
      const invocation: Invocation = { settle: resolve };
      this.#running.set(requestId, invocation);
      const begin = () => this.#begin(invocation, payload, requestId);
      if (this.#waiting) this.#waiting.push(begin);
      else begin();
    });
  }

  /** False once it crashed or an invocation timed out: the next one goes to a new copy. */
  inService(): boolean {
    return !this.#retired;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #begin(invocation: Invocation, payload: string, id: string): void {
    const { timeoutMs } = this.#hosted;
    invocation.timer = setTimeout(() => this.#timeOut(id), timeoutMs);
    if (this.#gate) thaw(this.#gate);
    this.#worker.postMessage({ type: 'invoke', id, payload, deadline: Date.now() + timeoutMs });
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'pong':
        clearTimeout(this.#pongTimer);
        break;
      case 'loaded':
        clearTimeout(this.#loadTimer);
        for (const begin of this.#waiting ?? []) begin();
        this.#waiting = undefined;
        break;
      case 'unloadable':
        this.#fail(message.error);
        break;
      case 'answered':
        this.#settle(message.id, { payload: message.payload });
        break;
      case 'failed':
        this.#settle(message.id, { error: message.error });
        break;
      default:
        message satisfies never;
    }
  }

  #fail(crash: FunctionError): void {
    this.#crash = crash;
    void this.#worker.terminate();
  }

  #exit(code: number): void {
    this.#retired = true;
    clearTimeout(this.#pongTimer);
    clearTimeout(this.#loadTimer);
    const error = this.#crash ?? { errorType: 'Runtime.ExitError', errorMessage: `Runtime exited with code ${code}` };
    for (const id of [...this.#running.keys()]) this.#settle(id, { error });
    this.#ended(this);
  }

  #settle(id: string, outcome: Outcome): void {
    const invocation = this.#running.get(id);
    if (!invocation) return;
    clearTimeout(invocation.timer);
    this.#running.delete(id);
    invocation.settle(outcome);
    if (this.#retired && this.#running.size === 0) void this.#worker.terminate();
  }

  /** Others may still finish in the thread, unless the one that timed out blocks it. */
  #timeOut(id: string): void {
    this.#retired = true;
    const seconds = (this.#hosted.timeoutMs / 1000).toFixed(2);
    const errorMessage = `RequestId: ${id} Error: Task timed out after ${seconds} seconds`;
    this.#settle(id, { error: { errorType: 'Sandbox.Timedout', errorMessage } });
    if (this.#isolated) void this.#worker.terminate();
    if (this.#running.size === 0) return;
    this.#worker.postMessage({ type: 'ping' });
    this.#pongTimer ??= setTimeout(() => void this.#worker.terminate(), pongWithinMs);
  }
}

function startWorker(hosted: HostedFunction, gate: Int32Array | undefined): Worker {
  const { file, exportName, logFile, environment, memoryMiB } = hosted;
  mkdirSync(dirname(logFile), { recursive: true });
  return new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: { file, exportName, logFile, context: fixedContext(hosted), gate },
    env: environment,
    // Without this the thread would inherit what Node was started with: in tests, a loader of TypeScript.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: memoryMiB },
  });
}

function crashOf(cause: Error & { code?: string }, { memoryMiB }: HostedFunction): FunctionError {
  return cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? { errorType: 'Runtime.OutOfMemory', errorMessage: `Memory above ${memoryMiB} MiB` }
    : { errorType: cause.name, errorMessage: cause.message, trace: (cause.stack ?? '').split('\n') };
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
