import { App } from 'aws-cdk-lib';
import { checkSettings } from '../../infra/settings.ts';
import { createStacks } from '../../infra/stacks.ts';

/** The ephemeral stage of `npm run test:aws`: nothing in it is protected, and its payloads go with it. */
const app = new App();
const [stage = 'test-aws', logRetentionDays = '1'] = ['stage', 'logRetentionDays'].map((name) =>
  app.node.tryGetContext(name),
);
createStacks(app, checkSettings({ stage, ephemeral: true, logRetentionDays: Number(logRetentionDays) as 1 }));
app.synth();
