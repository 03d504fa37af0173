/** A shop that takes Tenure into a stack of its own: `npx cdk deploy --app "npx tsx examples/own-stack/app.ts"`. */
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Tenure } from 'tenure-cdk';

const app = new App();
const shop = new Stack(app, 'shop');
const tenure = new Tenure(shop, 'Tenure', { stage: 'shop', maxClockSkewMs: 500 });

const orders = new Role(shop, 'OrdersTask', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
tenure.grantLead('orders', orders);

const standby = new Role(shop, 'StandbyTask', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
tenure.grantWork('orders', standby);

new CfnOutput(shop, 'TenureUrl', { value: tenure.url, description: 'TENURE_URL of both tasks' });
