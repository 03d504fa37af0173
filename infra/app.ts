import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readSettings } from './settings.ts';
import { TenureStack } from './tenure-stack.ts';

const app = new App();
const settings = readSettings(app.node);
new TenureStack(app, `tenure-${settings.stage}`, settings);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
app.synth();
