import { createLog } from '../../api/operations/log.ts';
import { createAndFound, type LogService, logOperations } from '../../log/operations.ts';
import { Answer, type Endpoint, endpoint } from '../platform/http.ts';
import { served } from '../platform/served.ts';

export function logRoutes(room: LogService): Endpoint[] {
  const others = logOperations(room).filter(({ operation }) => operation !== createLog);
  return [
    endpoint(createLog, async ({ params, body: { autoInitialize = true } }) => {
      const { created, view } = await createAndFound(room, params, autoInitialize);
      return new Answer(created ? 201 : 200, view);
    }),
    ...served(others),
  ];
}
