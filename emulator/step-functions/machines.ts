import { randomUUID } from 'node:crypto';
import type { AcceptedDefinitions } from './accepted-definitions.ts';
import { readDefinition } from './definition.ts';
import type { JsonObject, Machine } from './model.ts';
import { type Operation, optionalText, page, resourceName, ServiceError, text } from './protocol.ts';
import type { Store } from './store.ts';

const definitionLimit = 1024 * 1024;

/** State machines: their operations, and the entry to the operations on executions. */
export async function createMachines(
  store: Store,
  now: () => number,
  arnPrefix: string,
  accepted: AcceptedDefinitions,
  removeExecutions: (machineArn: string) => Promise<void>,
) {
  const machines = new Map((await store.machines()).map((machine) => [machine.arn, machine]));
  const save = () => store.saveMachines([...machines.values()]);
  // A machine is visible only once it is written down, so two requests must not overlap between look and write.
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <Answer>(work: () => Promise<Answer>): Promise<Answer> => {
    const answer = turn.then(work);
    turn = answer.catch(() => {});
    return answer;
  };

  function get(arn: string): Machine {
    if (!/^arn:[^:]+:states:[^:]*:\d*:stateMachine:[^:]+$/.test(arn))
      throw new ServiceError('InvalidArn', `Invalid Arn: '${arn}'`);
    const machine = machines.get(arn);
    if (!machine) throw new ServiceError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
    return machine;
  }

  async function create(input: JsonObject) {
    const name = resourceName(text(input, 'name'));
    const definition = text(input, 'definition', definitionLimit);
    const roleArn = optionalText(input, 'roleArn') ?? 'arn:aws:iam::000000000000:role/local';
    if ((optionalText(input, 'type') ?? 'STANDARD') !== 'STANDARD') {
      throw new ServiceError(
        'ValidationException',
        `The local Step Functions server runs STANDARD state machines only, not ${name}`,
      );
    }
    await readDefinition(definition, accepted);
    const arn = `${arnPrefix}:stateMachine:${name}`;
    const present = machines.get(arn);
    if (present && (present.definition !== definition || present.roleArn !== roleArn)) {
      throw new ServiceError('StateMachineAlreadyExists', `State Machine Already Exists: '${arn}'`);
    }
    const tags = (input['tags'] ?? []) as unknown as Machine['tags'];
    const machine = present ?? { arn, name, definition, roleArn, createdAt: now(), tags };
    machines.set(arn, machine);
    await save();
    return { stateMachineArn: arn, creationDate: machine.createdAt / 1000 };
  }

  async function update(input: JsonObject) {
    const machine = get(text(input, 'stateMachineArn'));
    const definition = optionalText(input, 'definition', definitionLimit);
    const roleArn = optionalText(input, 'roleArn');
    if (definition === undefined && roleArn === undefined) {
      throw new ServiceError('MissingRequiredParameter', 'UpdateStateMachine needs a definition or a roleArn');
    }
    if (definition !== undefined) await readDefinition(definition, accepted);
    const revisionId = randomUUID();
    Object.assign(machine, {
      revisionId,
      ...(definition !== undefined && { definition }),
      ...(roleArn !== undefined && { roleArn }),
    });
    await save();
    return { updateDate: now() / 1000, revisionId };
  }

  function describe({ arn, name, definition, roleArn, createdAt, revisionId }: Machine) {
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

  const operations: Record<string, Operation> = {
    CreateStateMachine: (input) => inTurn(() => create(input)),
    UpdateStateMachine: (input) => inTurn(() => update(input)),
    DescribeStateMachine: (input) => describe(get(text(input, 'stateMachineArn'))),

    ListStateMachines(input) {
      const { items, nextToken } = page([...machines.values()], input, ({ arn }) => arn);
      const stateMachines = items.map(({ arn, name, createdAt }) => ({
        stateMachineArn: arn,
        name,
        type: 'STANDARD',
        creationDate: createdAt / 1000,
      }));
      return { stateMachines, ...(nextToken !== undefined && { nextToken }) };
    },

    DeleteStateMachine: (input) =>
      inTurn(async () => {
        const arn = text(input, 'stateMachineArn');
        if (!machines.delete(arn)) return;
        await save();
        await removeExecutions(arn);
      }),

    ListTagsForResource: (input) => ({ tags: get(text(input, 'resourceArn')).tags }),

    async TagResource(input) {
      const machine = get(text(input, 'resourceArn'));
      const added = (input['tags'] ?? []) as unknown as Machine['tags'];
      machine.tags = [...machine.tags.filter(({ key }) => !added.some((tag) => tag.key === key)), ...added];
      await save();
    },

    async UntagResource(input) {
      const machine = get(text(input, 'resourceArn'));
      const removed = (input['tagKeys'] ?? []) as string[];
      machine.tags = machine.tags.filter(({ key }) => !removed.includes(key));
      await save();
    },
  };

  return { get, operations };
}
