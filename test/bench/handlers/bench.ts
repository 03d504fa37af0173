import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { startDynamoDbLocal } from '../../../emulator/dynamodb/dynamodb.ts';
import { openJobWorld } from '../../support/job-world.ts';
import { createReplicaTable } from '../../support/log/tables.ts';
import { createMainTable, localDocuments } from '../../support/main-table.ts';
import type { Bench, Row } from '../bench.ts';
import { compare, interleaved } from '../samples.ts';
import { operations } from './operations.ts';
import { follow, Recorder, type Recording, replay } from './twin.ts';

const rounds = 1_000;
const warmUp = 3_000;

export const bench: Bench = {
  name: 'handlers',
  sentence: `Time in the handler, from the event of API Gateway to its answer with validation, signing, logging and metrics, against the bare SDK requests that it sends: recorded there and sent again to a twin of the tables by the same SDK in the same process, both as warm as ${warmUp.toLocaleString('en')} rounds make them.`,
  async run(say) {
    const dynamodb = await startDynamoDbLocal();
    const world = await openJobWorld(dynamodb.endpoint);
    try {
      const stores = await recorded(dynamodb.endpoint, world);
      const rows: Row[] = [];
      for (const [name, { prepare, act }] of await operations(stores)) {
        await follow(stores.recorder.take());
        // Theirs is one round behind, so that it may also be the first of a round.
        const pending: { before: Recording; measured: Recording }[] = [];
        const ours = async () => {
          await prepare();
          const before = stores.recorder.take();
          const tookMs = await act();
          const measured = stores.recorder.take();
          // An append does not wait for its last replica, and the twin's next round begins only when nothing is under
          // way.
          await Promise.all(measured.map(({ recorded }) => recorded.outcome));
          pending.push({ before, measured });
          return tookMs;
        };
        const theirs = async () => {
          const { before, measured } = pending.shift() as (typeof pending)[number];
          await replay(before);
          return replay(measured);
        };
        await ours();
        const row = compare(name, { ...(await interleaved({ rounds, warmUp }, { ours, theirs })), atMost: 1.15 });
        while (pending.length > 0) await theirs();
        rows.push(row);
        say(`${name}: ${row.ratio.toFixed(2)}`);
      }
      return { rows };
    } finally {
      await world.close();
      await dynamodb.stop();
    }
  },
};

type World = Awaited<ReturnType<typeof openJobWorld>>;

/** Two equal sets of stores; what is sent to the first is recorded for the second. */
async function recorded(endpoint: string, world: World) {
  const tables = await Promise.all([createMainTable(endpoint), ...[1, 2, 3].map(() => createReplicaTable(endpoint))]);
  const twins = await Promise.all([createMainTable(endpoint), ...[1, 2, 3].map(() => createReplicaTable(endpoint))]);
  const twinBucket = `twin-${world.bucket}`;
  await world.s3.send(new CreateBucketCommand({ Bucket: twinBucket }));
  const names = [...tables, world.bucket];
  const twinNames = [...twins, twinBucket];
  const recorder = new Recorder(new Map(names.map((name, at) => [name, twinNames[at] as string])));
  const documents = () => recorder.record(localDocuments(endpoint), localDocuments(endpoint));
  const [table = '', ...replicas] = tables;
  return {
    recorder,
    table,
    documents: documents(),
    bucket: world.bucket,
    objects: recorder.record(world.newS3(), world.newS3()),
    replicas: replicas.map((name) => ({ client: documents(), table: name })),
  };
}
