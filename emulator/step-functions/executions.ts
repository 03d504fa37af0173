import { randomUUID } from 'node:crypto';
import { abortExecution, type Engine } from './engine.ts';
import {
  type Definition,
  type Execution,
  type HistoryEvent,
  type JsonObject,
  type Machine,
  payloadLimit,
} from './model.ts';
import { type Operation, optionalText, page, parseJson, resourceName, ServiceError, text } from './protocol.ts';
import type { Store } from './store.ts';

/** The executions of state machines, and the operations on them. */
export class Executions {
  readonly operations: Record<string, Operation> = {
    StartExecution: (request) => this.start(request),
    DescribeExecution: (request) => this.#describeExecution(request),
    ListExecutions: (request) => this.#listExecutions(request),
    StopExecution: (request) => this.#stopExecution(request),
    GetExecutionHistory: (request) => this.#getExecutionHistory(request),
  };
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #now: () => number;
  readonly #machineOf: (arn: string) => Machine;

  constructor(engine: Engine, store: Store, now: () => number, machineOf: (arn: string) => Machine) {
    this.#engine = engine;
    this.#store = store;
    this.#now = now;
    this.#machineOf = machineOf;
  }

  #get(arn: string): Execution {
    if (!/^arn:[^:]+:states:[^:]*:\d*:execution:[^:]+:[^:]+$/.test(arn))
      throw new ServiceError('InvalidArn', `Invalid Arn: '${arn}'`);
    const execution = this.#engine.executions.get(arn);
    if (!execution) throw new ServiceError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    return execution;
  }

  /** The same name and input answer the same while the execution runs; the name stays taken after its end. */
  async start(request: JsonObject): Promise<{ executionArn: string; startDate: number }> {
    const machine = this.#machineOf(text(request, 'stateMachineArn'));
    const name = resourceName(optionalText(request, 'name') ?? randomUUID());
    const input = optionalText(request, 'input', payloadLimit) ?? '{}';
    if (parseJson(input) === undefined) {
      throw new ServiceError(
        'InvalidExecutionInput',
        `Invalid State Machine Execution Input: '${input.slice(0, 100)}' is not JSON`,
      );
    }
    const arn = `${machine.arn.replace(':stateMachine:', ':execution:')}:${name}`;
    const present = this.#engine.executions.get(arn);
    if (present && (present.status !== 'RUNNING' || present.input !== input)) {
      throw new ServiceError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
    }
    const execution = present ?? this.#newExecution(machine, arn, name, input);
    // For one that runs already, this waits until it is written down.
    await (present ? this.#engine.apply(arn, () => {}) : this.#engine.begin(execution));
    return { executionArn: arn, startDate: execution.startedAt / 1000 };
  }

  #newExecution(machine: Machine, arn: string, name: string, input: string): Execution {
    const startedAt = this.#now();
    const { TimeoutSeconds } = JSON.parse(machine.definition) as Definition;
    return {
      arn,
      name,
      machineArn: machine.arn,
      machineName: machine.name,
      roleArn: machine.roleArn,
      definition: machine.definition,
      input,
      status: 'RUNNING',
      startedAt,
      eventCount: 0,
      threadCount: 0,
      threads: {},
      ...(TimeoutSeconds !== undefined && { timeoutAt: startedAt + TimeoutSeconds * 1000 }),
    };
  }

  /** Ends and forgets all executions of a machine. */
  async removeOf(machineArn: string): Promise<void> {
    for (const execution of [...this.#engine.executions.values()].filter((one) => one.machineArn === machineArn)) {
      await this.#engine.apply(execution.arn, (run) => abortExecution(run, undefined, 'The state machine was deleted'));
      this.#engine.executions.delete(execution.arn);
      await this.#store.remove(execution);
    }
  }

  #describeExecution(request: JsonObject) {
    const execution = this.#get(text(request, 'executionArn'));
    const { input, output, error, cause } = execution;
    return {
      ...summary(execution),
      input,
      inputDetails: { included: true },
      ...(output !== undefined && { output, outputDetails: { included: true } }),
      ...(error !== undefined && { error }),
      ...(cause !== undefined && { cause }),
      redriveCount: 0,
      redriveStatus: 'NOT_REDRIVABLE',
      redriveStatusReason: 'The local Step Functions server does not redrive executions',
    };
  }

  #listExecutions(request: JsonObject) {
    const machine = this.#machineOf(text(request, 'stateMachineArn'));
    const status = optionalText(request, 'statusFilter');
    const listed = [...this.#engine.executions.values()].filter(
      (execution) => execution.machineArn === machine.arn && (status === undefined || execution.status === status),
    );
    const { items, nextToken } = page(listed, request, newestFirst);
    return { executions: items.map(summary), ...(nextToken !== undefined && { nextToken }) };
  }

  async #stopExecution(request: JsonObject) {
    const execution = this.#get(text(request, 'executionArn'));
    const error = optionalText(request, 'error', 256);
    const cause = optionalText(request, 'cause', 32_768);
    await this.#engine.apply(execution.arn, (run) => abortExecution(run, error, cause));
    return { stopDate: (execution.stoppedAt ?? this.#now()) / 1000 };
  }

  async #getExecutionHistory(request: JsonObject) {
    const execution = this.#get(text(request, 'executionArn'));
    const isReverse = request['reverseOrder'] === true;
    const { items, nextToken } = page((await this.#store.events(execution)).map(toHistoryEvent), request, ({ id }) =>
      sortable(isReverse ? -id : id),
    );
    return { events: items, ...(nextToken !== undefined && { nextToken }) };
  }
}

/** Numbers from -10¹⁵ to 10¹⁵ as text of the same order. */
function sortable(number: number): string {
  return String(10 ** 15 + number).padStart(16, '0');
}

function newestFirst({ startedAt, arn }: Execution): string {
  return `${sortable(-startedAt)} ${arn}`;
}

function summary({ arn, machineArn, name, status, startedAt, stoppedAt }: Execution) {
  return {
    executionArn: arn,
    stateMachineArn: machineArn,
    name,
    status,
    startDate: startedAt / 1000,
    ...(stoppedAt !== undefined && { stopDate: stoppedAt / 1000 }),
  };
}

function toHistoryEvent({ id, previousEventId, timestamp, type, details }: HistoryEvent) {
  return { id, previousEventId, timestamp: timestamp / 1000, type, ...(details && { [detailsField(type)]: details }) };
}

/** TaskStateEntered has its details in `stateEnteredEventDetails`, TaskScheduled in `taskScheduledEventDetails`. */
function detailsField(type: string): string {
  const name = type.replace(/^\w+(?=State(Entered|Exited)$)/, '');
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}EventDetails`;
}
