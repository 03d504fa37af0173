/**
 * Signals from `tenure lead` and its guard to the process group of a command. Plain JavaScript: the guard runs it as it
 * is.
 */
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Sends a signal to the whole group. `forbidden`: it runs as another user (sudo), which is no sign that it has ended.
 * @param {number} pid
 * @param {NodeJS.Signals | 0} name
 * @returns {'sent' | 'gone' | 'forbidden'}
 */
export function signalGroup(pid, name) {
  try {
    process.kill(-pid, name);
    return 'sent';
  } catch (error) {
    if (error.code === 'EPERM') return 'forbidden';
    if (error.code === 'ESRCH') return 'gone';
    throw error;
  }
}

/**
 * Whether any process of the group still runs. One that has ended and was not waited for does not; where its parent
 * does not do that, it would stay in the group for ever.
 * @param {number} pid
 */
export function groupRuns(pid) {
  if (signalGroup(pid, 0) === 'gone') return false;
  const states = statesOf(pid);
  return states.length === 0 || states.some((state) => state !== 'Z' && state !== 'X');
}

/** The states of the group's processes; empty where there is no /proc, or it does not show them. */
function statesOf(pid) {
  const states = [];
  for (const name of processes()) {
    const [state, , group] = statOf(name);
    if (Number(group) === pid) states.push(state);
  }
  return states;
}

function processes() {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/**
 * State, parent, group, … of a process: the fields of its stat file behind the name, which may itself contain blanks
 * and brackets.
 */
function statOf(name) {
  try {
    return readFileSync(`/proc/${name}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    // It ended since the folder was read.
    return [];
  }
}
