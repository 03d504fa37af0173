import { Option } from 'commander';

/** The names that the guard of a listener accepts as Host besides addresses; browsers send them in lower case. */
export const allowHostOption = (besides: string) =>
  new Option('--allow-host <name>', `a Host header to accept besides ${besides}; repeat for more`)
    .argParser((name: string, before: readonly string[]) => [...before, name.toLowerCase()])
    .default([], 'none');
