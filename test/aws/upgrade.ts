import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { deploy } from '../ministack/deployment.ts';
import { forMiniStack } from '../ministack/stack.ts';
import type { DeployedStage } from './provide.ts';
import { app, stage } from './target.ts';

/** Deploys the stage once more, without traces: every function and every workflow changes, and no data. */
export async function upgrade({ name }: DeployedStage): Promise<void> {
  switch (name) {
    case 'AWS': {
      const args = ['cdk', 'deploy', `tenure-${stage}`, '--require-approval', 'never', '-c', 'tracing=off'];
      const run = spawn('npx', [...args, '--app', `npx tsx ${app}`], { stdio: 'inherit' });
      const [status] = await once(run, 'exit');
      if (status !== 0) throw new Error(`cdk deploy ended with ${status}`);
      return;
    }
    case 'MiniStack': {
      process.env['CDK_CONTEXT_JSON'] = JSON.stringify({ tracing: 'off' });
      const { status, reasons } = await deploy(process.env['AWS_ENDPOINT_URL'] ?? '', forMiniStack, app);
      if (status !== 'UPDATE_COMPLETE') throw new Error(`The stack is ${status}: ${reasons.join('; ')}`);
    }
  }
}
