import { App } from 'aws-cdk-lib';
import { readSettings } from '../../../infra/settings.ts';
import { createStacks } from '../../../infra/stacks.ts';

/** The product with two tables more than usual, for logs whose members change. */
const app = new App();
createStacks(app, { ...readSettings(app.node), replicas: 5 });
app.synth();
