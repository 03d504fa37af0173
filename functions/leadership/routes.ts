import type { GroupStore } from '../../leadership/group-table.ts';
import type { Leadership } from '../../leadership/leadership.ts';
import { contendOperations, leaseOperations, operateOperations, type Performed } from '../../leadership/operations.ts';
import { type Endpoint, endpoint } from '../platform/http.ts';

const served = (performed: readonly Performed[]): Endpoint[] =>
  performed.map(({ operation, act }) => endpoint(operation, (request) => act(request)));

export const contendRoutes = (leadership: Leadership): Endpoint[] => served(contendOperations(leadership));

export const leaseRoutes = (leadership: Leadership): Endpoint[] => served(leaseOperations(leadership));

export const operateRoutes = (leadership: Leadership, groups: GroupStore): Endpoint[] =>
  served(operateOperations(leadership, groups));
