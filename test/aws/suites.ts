/**
 * End-to-end files that need an address and nothing else of this machine: they run on any deployed stage, through a
 * proxy that signs. `test/unit/aws/suites.test.ts` holds every other file to a reason.
 */
export const anywhere = [
  'backups/application',
  'backups/causality',
  'backups/client-classes',
  'backups/commands',
  'backups/everything',
  'backups/lost-answers',
  'backups/requests',
  'backups/restore',
  'cli/lead',
  'hostile/input',
  'hostile/printed',
  'jobs/billing',
  'jobs/group-deletion',
  'jobs/word-count',
  'leadership/failover',
  'leadership/freeze',
  'leadership/hand-over',
  'leadership/lead-command',
  'leadership/leader-commands',
  'leadership/linearizability',
  'leadership/lock-command',
  'log/commands',
  'log/life',
  'log/rivals',
] as const;

/** Why the others stay here. */
export const onlyHere: Readonly<Record<string, string>> = {
  'backups/command': 'reads the archive that a worker writes beside the stack',
  'backups/killed-leader': 'waits for deadlines that the embedded stack shortens',
  'backups/killed-worker': 'waits for deadlines that the embedded stack shortens',
  'backups/large': 'moves gigabytes, which costs',
  'backups/left-worker': 'waits for deadlines that the embedded stack shortens',
  'backups/protocol': 'waits for deadlines that the embedded stack shortens',
  'backups/restore-killed': 'kills the stack',
  'backups/service-killed': 'kills the stack',
  'backups/sweep': 'writes into the table',
  'backups/targets': 'starts a stack with other settings',
  'cli/streams': 'is about the shells and devices of this machine',
  'cli/terminal': 'needs a terminal of this machine',
  'docs/newcomer': 'types pages that begin with npm start',
  'docs/pages': 'types pages that begin with npm start',
  'events/bus': 'kills the stack',
  'hostile/archives': 'starts a stack of its own',
  'hostile/attacks': 'attacks the doors of the embedded stack',
  'jobs/commands': 'fires a schedule by hand',
  'jobs/damaged': 'writes into the table',
  'docs/recipes': 'not yet looked at for a run on AWS',
  'log/lost-tables': 'drops tables',
  'log/members': 'starts a stack with other settings',
  'stack/doors': 'looks at the embedded stack itself',
  'stack/fixture': 'looks at the embedded stack itself',
  'stack/gateway-faults': 'orders faults from the embedded gateway',
  'stack/metrics': 'reads the logs of the embedded stack',
  'stack/permissions': 'fires a schedule by hand',
  'stack/process': 'looks at the embedded stack itself',
  'stack/storm': 'orders a storm from the embedded stack',
};

/** In a rehearsal: one of each room, since the emulator is slow. */
export const rehearsed: readonly (typeof anywhere)[number][] = [
  'backups/commands',
  'leadership/hand-over',
  'leadership/leader-commands',
  'log/life',
];
