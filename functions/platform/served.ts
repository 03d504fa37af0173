import type { Performed } from '../../leadership/performed.ts';
import { type Endpoint, endpoint } from './http.ts';

/** Endpoints of operations that are carried out the same way in direct mode. */
export const served = (performed: readonly Performed[]): Endpoint[] =>
  performed.map(({ operation, act }) => endpoint(operation, (request) => act(request)));
