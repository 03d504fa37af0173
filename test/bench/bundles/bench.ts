import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundlesOf } from '../../support/bundles.ts';
import { atMost, type Bench, type Row } from '../bench.ts';
import { compare, interleaved } from '../samples.ts';
import { bareHandlers, type Part } from './bare-handler.ts';

const rounds = 11;

export const bench: Bench = {
  name: 'bundles',
  sentence:
    "Cold import of each function's bundle in a new process, and its size, against a handler that has nothing but the clients of the SDK that the function uses, bundled by esbuild as anyone would. Ours leave out what Lambda never needs of those clients.",
  async run(say) {
    const folder = await mkdtemp(join(tmpdir(), 'tenure-bench-bundles-'));
    try {
      const rows: Row[] = [];
      const leaner: number[] = [];
      for (const { name, file, environment } of await bundlesOf()) {
        const code = await readFile(file, 'utf8');
        const { plain, lean } = await bareHandlers(folder, partsOf(code));
        const against = (bare: string) =>
          interleaved(
            { rounds, warmUp: 1 },
            { ours: () => coldImport(file, environment), theirs: () => coldImport(bare, environment) },
          );
        rows.push(compare(`import of ${name}`, { ...(await against(plain)), digits: 0, atMost: 1.3 }));
        rows.push(size(name, code.length, (await readFile(plain)).length));
        leaner.push(compare(name, await against(lean)).ratio ?? Number.NaN);
        say(`${name}: ${rows.at(-2)?.ours}, ${rows.at(-1)?.ours}`);
      }
      return { rows, notes: [leanerNote(leaner)] };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** The clients that a bundle has, by the names that they register their requests under. */
function partsOf(code: string): Part[] {
  const present: [Part, string][] = [
    ['dynamodb', 'DynamoDB_20120810'],
    ['s3', 'AmazonS3'],
    ['sfn', 'AWSStepFunctions'],
  ];
  return present.filter(([, sign]) => code.includes(sign)).map(([part]) => part);
}

function leanerNote(ratios: number[]): string {
  const [least = 0, most = 0] = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2));
  return `The omitted parts are most of the difference: against the same clients without those parts, an import takes ${least} to ${most} times as long.`;
}

function size(name: string, ours: number, theirs: number): Row {
  const kilobytes = (bytes: number) => `${Math.round(bytes / 1_000)} KB`;
  const row = { what: `size of ${name}`, ours: kilobytes(ours), theirs: kilobytes(theirs), ratio: ours / theirs };
  return { ...row, aim: atMost(580_000, ours, '580 KB') };
}

const timing = `
const startedAt = performance.now();
await import(process.argv[1]);
process.stdout.write(String(performance.now() - startedAt), () => process.exit());`;

/** The ms that a process of its own takes to load a module. */
async function coldImport(file: string, environment: Record<string, string>): Promise<number> {
  const argv = ['--input-type=module', '--eval', timing, file];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { env: { ...process.env, ...environment } });
  return Number(stdout);
}
