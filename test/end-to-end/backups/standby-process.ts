/**
 * A standby as a process: `node --import tsx standby-process.ts URL GROUP ID [MOMENT die|hold] [LINES]`. At the moment
 * it kills itself, or stands still until SIGUSR2; SIGTERM is its goodbye.
 */
import { standby } from './standby.ts';

const [url = '', group = '', workerId = '', moment, act, lines = '2'] = process.argv.slice(2);
const note = (what: object) => console.log(JSON.stringify(what));

const worker = standby({
  url,
  group,
  workerId,
  lines: Number(lines),
  say: note,
  at(reached) {
    if (reached !== moment) return undefined;
    // Before it is said: who hears it may send the signal at once.
    const released = new Promise<void>((resolve) => process.once('SIGUSR2', () => resolve()));
    note({ at: reached });
    if (act === 'die') process.kill(process.pid, 'SIGKILL');
    return released;
  },
});
worker.start();
// Who waits for a signal alone would end.
setInterval(() => {}, 60_000);
process.once('SIGTERM', () => void worker.close().then(() => process.exit()));
