/**
 * Stops the command of a `tenure lead` that can no longer do it: one that was killed (its end of the pipe closes) or stands still (its
 * lease runs out and nothing comes through the pipe). Plain JavaScript without imports beyond Node's own, so that it is up at once and small.
 *
 * It reads lines: `watch PID GRACE_MS` (the process group to stop), `until MS` (from now, at most), `release` (it has ended).
 */
import { createInterface } from 'node:readline';

let watched;
let deadline;

function signal(name) {
  try {
    process.kill(-watched.pid, name);
    return true;
  } catch {
    return false;
  }
}

function stop() {
  clearTimeout(deadline);
  if (!watched || watched.stopping || !signal('SIGTERM')) return;
  watched.stopping = true;
  const { pid, graceMs } = watched;
  const endsAt = performance.now() + graceMs;
  const glance = setInterval(() => {
    const there = watched?.pid === pid && signal(0);
    const late = performance.now() >= endsAt;
    if (there && late) signal('SIGKILL');
    if (!there || late) clearInterval(glance);
  }, 50);
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [word, first, second] = line.split(' ');
    if (word === 'watch') watched = { pid: Number(first), graceMs: Number(second) };
    if (word === 'release') watched = undefined;
    if (word === 'release' || word === 'until') clearTimeout(deadline);
    if (word === 'until') deadline = setTimeout(stop, Number(first));
  })
  .on('close', stop);

// Whoever ends a whole process tree by name or by session means the command, too.
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, stop);
