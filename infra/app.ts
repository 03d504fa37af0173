import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readSettings } from './settings.ts';
import { createStacks } from './stacks.ts';

const app = new App();
createStacks(app, readSettings(app.node));
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
app.synth();
