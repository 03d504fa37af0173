import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readStage } from './config-file.ts';
import { createStacks } from './stacks.ts';

const app = new App();
createStacks(app, readStage(process.cwd(), app.node));
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
app.synth();
