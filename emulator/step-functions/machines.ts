import { randomUUID } from 'node:crypto';
import type { AcceptedDefinitions } from './accepted-definitions.ts';
import { readDefinition } from './definition.ts';
import type { JsonObject, Machine } from './model.ts';
import { type Operation, optionalText, page, resourceName, ServiceError, text } from './protocol.ts';
import type { Store } from './store.ts';

const definitionLimit = 1024 * 1024;

export interface MachinesProps {
  readonly store: Store;
  readonly now: () => number;
  readonly arnPrefix: string;
  readonly accepted: AcceptedDefinitions;
  readonly removeExecutions: (machineArn: string) => Promise<void>;
}

/** State machines: their operations, and the entry to the operations on executions. */
export class Machines {
  readonly operations: Record<string, Operation> = {
    CreateStateMachine: (input) => this.#inTurn(() => this.#create(input)),
    UpdateStateMachine: (input) => this.#inTurn(() => this.#update(input)),
    DescribeStateMachine: (input) => this.#describe(this.get(text(input, 'stateMachineArn'))),
    ListStateMachines: (input) => this.#list(input),
    DeleteStateMachine: (input) => this.#inTurn(() => this.#delete(input)),
    ListTagsForResource: (input) => ({ tags: this.get(text(input, 'resourceArn')).tags }),
    TagResource: (input) => this.#tag(input),
    UntagResource: (input) => this.#untag(input),
  };
  readonly #machines: Map<string, Machine>;
  readonly #props: MachinesProps;
  /** A machine is visible only once it is written down, so two requests must not overlap between look and write. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(props: MachinesProps, kept: readonly Machine[]) {
    this.#props = props;
    this.#machines = new Map(kept.map((machine) => [machine.arn, machine]));
  }

  static async load(props: MachinesProps): Promise<Machines> {
    return new Machines(props, await props.store.machines());
  }

  get(arn: string): Machine {
    if (!/^arn:[^:]+:states:[^:]*:\d*:stateMachine:[^:]+$/.test(arn))
      throw new ServiceError('InvalidArn', `Invalid Arn: '${arn}'`);
    const machine = this.#machines.get(arn);
    if (!machine) throw new ServiceError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
    return machine;
  }

  async #create(input: JsonObject) {
    const name = resourceName(text(input, 'name'));
    const definition = text(input, 'definition', definitionLimit);
    const roleArn = optionalText(input, 'roleArn') ?? 'arn:aws:iam::000000000000:role/local';
    if ((optionalText(input, 'type') ?? 'STANDARD') !== 'STANDARD') {
      throw new ServiceError(
        'ValidationException',
        `The local Step Functions server runs STANDARD state machines only, not ${name}`,
      );
    }
    await readDefinition(definition, this.#props.accepted);
    const arn = `${this.#props.arnPrefix}:stateMachine:${name}`;
    const present = this.#machines.get(arn);
    if (present && (present.definition !== definition || present.roleArn !== roleArn)) {
      throw new ServiceError('StateMachineAlreadyExists', `State Machine Already Exists: '${arn}'`);
    }
    const tags = (input['tags'] ?? []) as unknown as Machine['tags'];
    const machine = present ?? { arn, name, definition, roleArn, createdAt: this.#props.now(), tags };
    this.#machines.set(arn, machine);
    await this.#save();
    return { stateMachineArn: arn, creationDate: machine.createdAt / 1000 };
  }

  async #update(input: JsonObject) {
    const machine = this.get(text(input, 'stateMachineArn'));
    const definition = optionalText(input, 'definition', definitionLimit);
    const roleArn = optionalText(input, 'roleArn');
    if (definition === undefined && roleArn === undefined) {
      throw new ServiceError('MissingRequiredParameter', 'UpdateStateMachine needs a definition or a roleArn');
    }
    if (definition !== undefined) await readDefinition(definition, this.#props.accepted);
    const revisionId = randomUUID();
    Object.assign(machine, {
      revisionId,
      ...(definition !== undefined && { definition }),
      ...(roleArn !== undefined && { roleArn }),
    });
    await this.#save();
    return { updateDate: this.#props.now() / 1000, revisionId };
  }

  #describe({ arn, name, definition, roleArn, createdAt, revisionId }: Machine) {
    return {
      stateMachineArn: arn,
      name,
      status: 'ACTIVE',
      definition,
      roleArn,
      type: 'STANDARD',
      creationDate: createdAt / 1000,
      loggingConfiguration: { level: 'OFF', includeExecutionData: false },
      tracingConfiguration: { enabled: false },
      ...(revisionId !== undefined && { revisionId }),
    };
  }

  #list(input: JsonObject) {
    const { items, nextToken } = page([...this.#machines.values()], input, ({ arn }) => arn);
    const stateMachines = items.map(({ arn, name, createdAt }) => ({
      stateMachineArn: arn,
      name,
      type: 'STANDARD',
      creationDate: createdAt / 1000,
    }));
    return { stateMachines, ...(nextToken !== undefined && { nextToken }) };
  }

  async #delete(input: JsonObject) {
    const arn = text(input, 'stateMachineArn');
    if (!this.#machines.delete(arn)) return;
    await this.#save();
    await this.#props.removeExecutions(arn);
  }

  async #tag(input: JsonObject) {
    const machine = this.get(text(input, 'resourceArn'));
    const added = (input['tags'] ?? []) as unknown as Machine['tags'];
    machine.tags = [...machine.tags.filter(({ key }) => !added.some((tag) => tag.key === key)), ...added];
    await this.#save();
  }

  async #untag(input: JsonObject) {
    const machine = this.get(text(input, 'resourceArn'));
    const removed = (input['tagKeys'] ?? []) as string[];
    machine.tags = machine.tags.filter(({ key }) => !removed.includes(key));
    await this.#save();
  }

  #save(): Promise<void> {
    return this.#props.store.saveMachines([...this.#machines.values()]);
  }

  #inTurn<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const answer = this.#turn.then(work);
    this.#turn = answer.catch(() => {});
    return answer;
  }
}
