/** `npm run simulate -- ROOM [--runs N] [--seed S]`: as many runs of a room's simulation as one has time for. */
import { simulateLeadership } from './leadership/command.ts';

const rooms: Record<string, (args: string[]) => Promise<void>> = { leadership: simulateLeadership };

const [room = '', ...args] = process.argv.slice(2);
const simulate = rooms[room];
if (!simulate) throw new Error(`There is no simulation of "${room}"; there are: ${Object.keys(rooms).join(', ')}`);
await simulate(args);
