/** The public entry for CDK apps: `import { Tenure } from 'tenure-cdk'`. */
export type { Settings } from './settings.ts';
export { Tenure } from './tenure.ts';
export type { TenureService } from './tenure-service.ts';
export { TenureStack } from './tenure-stack.ts';
export type { TenureStore } from './tenure-store.ts';
export { TenureTable, type TenureTableProps } from './tenure-table.ts';
