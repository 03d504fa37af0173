import { cleanUp, cut, fail, lose, verify, work } from '../../../functions/backups/attempt/conclusion.ts';
import { choose, offer, passOver, run, suspend } from '../../../functions/backups/attempt/delegation.ts';
import { inputs, task } from '../../../functions/backups/attempt/task-inputs.ts';
import { workflowClient } from '../../../functions/backups/attempt/workflow-client.ts';
import { logger } from '../../../functions/platform/logging.ts';
import { taskHandler } from '../../../functions/platform/task.ts';
import { resources, templateOf, text } from '../../infra/cdk/synthesised.ts';
import { errorNamed, manualClock, roleArn, testServer, until } from '../../infra/emulator/step-functions/support.ts';
import { group, openBackups, type Room } from './world.ts';

/** As functions/entry-points/backup-records.ts, -cut.ts and -work.ts bind them. */
const tasksOf = (room: Room) => ({
  choose: task(inputs.backup, (name) => choose(room, name)),
  suspend: task(inputs.asked, (asked) => suspend(room, asked)),
  passOver: task(inputs.failed, ({ error, ...name }) => passOver(room, name, error)),
  cut: task(inputs.cut, ({ position, ...name }) => cut(room, name, position)),
  offer: task(inputs.asked, (asked) => offer(room, asked)),
  run: task(inputs.asked, (asked) => run(room, asked)),
  lose: task(inputs.failed, ({ error, ...name }) => lose(room, name, error)),
  work: task(inputs.attempt, (name) => work(room, name, 1_000)),
  verify: task(inputs.verify, ({ cursor, ...name }) => verify(room, name, cursor, 1_000)),
  fail: task(inputs.broken, ({ error, ...name }) => fail(room, name, error)),
  cleanUp: task(inputs.backup, (name) => cleanUp(room, name)),
});

/** The definition as it stands in the template; a function has the name by which the workflow knows it. */
function definition(): string {
  const [machine] = resources(templateOf(), 'AWS::StepFunctions::StateMachine').filter(({ id }) =>
    id.includes('backup'),
  );
  if (!machine) throw new Error('There is no workflow of backups');
  const written = text(machine.properties.DefinitionString).replaceAll(/\$\{AWS::Partition\}/g, 'aws');
  return written.replaceAll(/\$\{(\w+)\}/g, '$1');
}

logger.setLogLevel('SILENT');

let written: string | undefined;

/**
 * The room on the real workflow definition, run by the embedded Step Functions server; one clock that the test moves
 * counts for both. The functions of the tasks run here; the cut and the archives are played.
 */
export async function openWorkflow() {
  written ??= definition();
  const world = await openBackups();
  const clock = manualClock();
  const room: Room = { ...world.room, clock };
  Object.assign(world.room, { clock });
  const handle = taskHandler(tasksOf(room));
  /** Replacements for a task's function, for its next calls. */
  const instead = new Map<string, (() => Promise<unknown>)[]>();
  const server = await testServer({
    clock,
    random: () => 0.5,
    handler({ payload }) {
      const played = instead.get(payload.task)?.shift();
      if (played) return played();
      return handle(payload, { awsRequestId: 'request', getRemainingTimeInMillis: () => 60_000 });
    },
  });
  const { stateMachineArn } = await server.createStateMachine({ name: 'backup', definition: written, roleArn });
  const workflow = workflowClient(server.client, stateMachineArn);
  Object.assign(room, { workflow });
  Object.assign(world.room, { workflow });

  const state = async (backupId: string) => (await world.record(backupId)).state;
  const executionArn = (backupId: string) => `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${backupId}`;

  return {
    ...world,
    room,
    clock,
    server,
    executionArn,
    /** Waits until the execution's history has such an event. */
    entered: (backupId: string, type: string) =>
      until(async () => (await server.history(executionArn(backupId))).some((event) => event.type === type)),
    calls: (name: string) => server.calls.filter(({ payload }) => payload.task === name).length,
    /** The next calls of a task do this instead. */
    play(name: string, ...acts: (() => Promise<unknown>)[]) {
      instead.set(name, [...(instead.get(name) ?? []), ...acts]);
    },
    /** Returns the command of this type once it exists. */
    async replied(worker: string, type: 'suspend' | 'backup', accepted = true) {
      await until(async () => (await world.commands(worker)).some((command) => command.type === type));
      const command = await world.reply(worker, { accepted, ...(accepted ? {} : { reason: 'busy' }) });
      if (command.type !== type) throw new Error(`${worker} has ${command.type} instead of ${type}`);
      return command;
    },
    /** Until the worker's attempt is watched. */
    async running(worker: string) {
      await this.replied(worker, 'suspend');
      const command = await this.replied(worker, 'backup');
      if (command.type !== 'backup') throw new Error('This was no offer');
      const { backupId, attempt, attemptSecret: secret } = command;
      await until(async () => (await world.record(backupId)).taskToken !== undefined);
      return { group, backupId, attempt, secret };
    },
    /** Moves the clock by seconds until the backup has ended; returns its record and when it was seen to end. */
    async passes(backupId: string, mostSeconds = 600) {
      for (let seconds = 0; seconds < mostSeconds; seconds += 1) {
        if (/COMPLETED|FAILED/.test(await state(backupId))) return world.record(backupId);
        clock.advance(1_000);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      throw new Error(`The backup is still ${await state(backupId)} after ${mostSeconds} s`);
    },
  };
}

export { errorNamed, group, until };
