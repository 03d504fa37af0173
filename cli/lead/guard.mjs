/**
 * Ends the command of a `tenure lead` that can no longer do so, because it was killed (its end of the pipe closes) or
 * stands still (the lease runs out and nothing comes through the pipe). When `lead` was killed, the guard also gives
 * the lease back once the command is gone, with a request that `lead` has signed beforehand: the next leader need not
 * wait for the lease to run out.
 *
 * It reads one JSON object per line:
 *   {"untilMs": n}            the lease ends in n ms, at most, unless this comes again
 *   {"resignation": request}  {url, method, headers, body}: gives the lease back
 *   {"starting": true}        a command is about to be started
 *   {"watch": {pid, graceMs}} the process group of the command
 *   {"release": true}         the command has ended
 *   {"over": true}            the term has ended: there is nothing to give back
 *
 * Plain JavaScript with nothing beyond Node's own modules, so that it starts at once and stays small.
 */
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { groupRuns, signalGroup } from './process-group.mjs';

const longestTimerMs = 2 ** 31 - 1;
const glanceMs = 50;
const afterKillMs = 250;
const resignTries = 8;
const resignTimeoutMs = 2_000;

let watched;
let starting = false;
let resignation;
let deadline;
let endsAt = Number.POSITIVE_INFINITY;

/**
 * Ends the group: SIGTERM, and SIGKILL after the grace. Resolves when nothing of it runs, or the command has been
 * released.
 */
async function stop() {
  clearTimeout(deadline);
  if (!watched) return;
  watched.stopped ??= stopGroup(watched);
  await watched.stopped;
}

async function stopGroup(group) {
  const { pid, graceMs } = group;
  const killAt = performance.now() + graceMs;
  signalGroup(pid, 'SIGTERM');
  // A stopped process sees the signal only once it continues.
  signalGroup(pid, 'SIGCONT');
  let killed = false;
  while (watched === group && groupRuns(pid)) {
    if (!killed && performance.now() >= killAt) {
      signalGroup(pid, 'SIGKILL');
      killed = true;
    }
    await pause(killed ? afterKillMs : glanceMs);
  }
}

/** Any answer but an outage is final: a term that has ended already was not ours to give back. */
async function resign() {
  const { url, ...request } = resignation;
  for (let tries = 0; tries < resignTries && performance.now() < endsAt; tries += 1) {
    try {
      const { status } = await fetch(url, { ...request, signal: AbortSignal.timeout(resignTimeoutMs) });
      if (status < 500 && status !== 429) return;
    } catch {
      // Not reached: tried again below, and in the end the lease runs out.
    }
    await pause(Math.min(1_000, 50 * 2 ** tries));
  }
}

/** A command that was about to start may run, unknown to the guard: the lease is then left to run out. */
async function leadIsGone() {
  await stop();
  if (resignation && !starting) await resign();
}

function arm(untilMs) {
  clearTimeout(deadline);
  endsAt = performance.now() + untilMs;
  deadline = setTimeout(stop, Math.min(untilMs, longestTimerMs));
}

const orders = {
  untilMs: arm,
  resignation(request) {
    resignation = request;
  },
  starting() {
    starting = true;
  },
  watch(group) {
    watched = group;
    starting = false;
  },
  release() {
    watched = undefined;
    starting = false;
  },
  over() {
    clearTimeout(deadline);
    resignation = undefined;
  },
};

createInterface({ input: process.stdin })
  .on('line', (line) => {
    for (const [order, given] of Object.entries(JSON.parse(line))) orders[order]?.(given);
  })
  .on('close', leadIsGone);

// A signal to a whole session, or to everything of a name, is meant for the command, too.
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, stop);
