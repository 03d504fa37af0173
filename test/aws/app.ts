import { App } from 'aws-cdk-lib';
import { checkSettings } from '../../infra/settings.ts';
import { createStacks } from '../../infra/stacks.ts';

/** The ephemeral stage of `npm run test:aws`: nothing in it is protected, and its payloads go with it. */
const app = new App();
const tracing = app.node.tryGetContext('tracing') ?? 'on';
createStacks(app, checkSettings({ stage: 'test-aws', ephemeral: true, logRetentionDays: 1, tracing }));
app.synth();
