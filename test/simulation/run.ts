/**
 * `npm run simulate -- [ROOM] [--runs N] [--seed S]`: as many runs of a room's simulation as one has time for; the
 * log's if none is named.
 */
import { simulateLeadership } from './leadership/command.ts';
import { simulateLog } from './log/command.ts';

const rooms: Record<string, (args: string[]) => Promise<void>> = {
  leadership: simulateLeadership,
  log: simulateLog,
};

const given = process.argv.slice(2);
const [room = '', ...args] = given[0]?.startsWith('--') ? ['log', ...given] : given;
const simulate = rooms[room];
if (!simulate) throw new Error(`There is no simulation of "${room}"; there are: ${Object.keys(rooms).join(', ')}`);
await simulate(args);
