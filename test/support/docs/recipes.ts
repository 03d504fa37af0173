import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Watched, watch } from '../processes.ts';
import { project } from '../stack.ts';
import { blocksOf, readPage } from './markdown.ts';

/** The block of a recipe that stands for a file: as it is on the page. */
export function fileOf(page: string, name: string): string {
  const found = blocksOf(readPage(`docs/recipes/${page}.md`)).find(({ words }) => words.includes(`file=${name}`));
  if (!found) throw new Error(`docs/recipes/${page}.md has no block for ${name}`);
  return `${found.lines.join('\n')}\n`;
}

/** A folder in which recipes run: `tenure` is in the PATH, and so are the programs that a recipe takes for granted. */
export class Kitchen {
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv) {
    this.folder = mkdtempSync(join(tmpdir(), 'tenure-recipe-'));
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
    const bin = join(this.folder, 'bin');
    mkdirSync(bin);
    symlinkSync(join(project, 'cli/tenure'), join(bin, 'tenure'));
    this.#env = { ...process.env, ...env, PATH: `${bin}${delimiter}${process.env['PATH']}` };
  }

  /** A program in the PATH, as a shell script. */
  program(name: string, script: string): void {
    const file = join(this.folder, 'bin', name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }

  write(name: string, content: string): string {
    writeFileSync(join(this.folder, name), content);
    return join(this.folder, name);
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  run(command: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}): Watched {
    const watched = watch(command, [...argv], { cwd: this.folder, env: { ...this.#env, ...env } });
    onTestFinished(() => void watched.child.kill('SIGKILL'));
    return watched;
  }

  sh(line: string, env: NodeJS.ProcessEnv = {}): Watched {
    return this.run('sh', ['-c', line], env);
  }

  /** A program in TypeScript of the page, with what the page only declares. */
  ts(page: string, name: string, assumed: string, env: NodeJS.ProcessEnv = {}): Watched {
    const library = join(project, 'client/index.ts');
    const code = fileOf(page, name)
      .replace("from 'tenure'", `from ${JSON.stringify(library)}`)
      // A killed leader is missed when its lease has run out; a busy machine loses none of this length.
      .replace('new LeaderElector({', 'new LeaderElector({ leaseMs: 10_000,');
    const file = this.write(name.replace('.ts', '.mts'), `${code}\n${assumed}`);
    const loader = join(project, 'node_modules/tsx/dist/loader.mjs');
    return this.run(process.execPath, ['--import', loader, file], env);
  }
}
