/**
 * Which way imports may run: api ← archive, store ← leadership ← log ← functions, client ← cli; in functions/
 * platform ← leadership ← log, jobs ← backups ← restore.
 */
const only = (name, from, ...allowed) => ({
  name,
  severity: 'error',
  from: { path: `^${from}/` },
  to: {
    path: '^(api|archive|store|leadership|log|functions|client|cli|console|infra|emulator|test|examples)/',
    pathNot: `^(${allowed.join('|')})/`,
  },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    only('api-imports-nothing-of-ours', 'api', 'api'),
    only('archive-imports-the-api', 'archive', 'archive', 'api'),
    only('store-imports-the-api', 'store', 'store', 'api'),
    only('leadership-imports-the-store', 'leadership', 'leadership', 'store', 'api'),
    only('log-imports-leases', 'log', 'log', 'leadership', 'store', 'api', 'archive'),
    only('client-imports-no-service', 'client', 'client', 'log', 'leadership', 'store', 'api', 'archive'),
    only('cli-imports-the-client', 'cli', 'cli', 'client', 'api', 'archive'),
    only('functions-import-no-caller', 'functions', 'functions', 'log', 'leadership', 'store', 'api', 'archive'),
    {
      name: 'direct-mode-alone-carries-the-rules',
      comment: 'A client of the API needs none of them, and no SDK.',
      severity: 'error',
      from: { path: '^client/(?!direct/)' },
      to: { path: '^(log|leadership|store)/' },
    },
    {
      name: 'no-node-in-the-api',
      severity: 'error',
      from: { path: '^api/' },
      to: { path: '^(@aws-sdk|@smithy|hono)|aws-lambda', dependencyTypes: ['npm', 'npm-dev'] },
    },
    { name: 'no-node-core-in-the-api', severity: 'error', from: { path: '^api/' }, to: { dependencyTypes: ['core'] } },
    {
      name: 'only-tests-import-tests',
      severity: 'error',
      from: { path: '^(infra|emulator|examples)/' },
      to: { path: '^test/|/simulation/' },
    },
    {
      name: 'platform-imports-no-room',
      severity: 'error',
      from: { path: '^functions/platform/' },
      to: { path: '^functions/(?!platform/)' },
    },
    {
      name: 'leadership-imports-the-platform',
      severity: 'error',
      from: { path: '^functions/leadership/' },
      to: { path: '^(functions/(?!platform/|leadership/)|log/)' },
    },
    {
      name: 'log-imports-leadership',
      severity: 'error',
      from: { path: '^functions/log/' },
      to: { path: '^functions/(?!platform/|leadership/|log/)' },
    },
    {
      name: 'jobs-import-leadership',
      severity: 'error',
      from: { path: '^functions/jobs/' },
      to: { path: '^(functions/(?!platform/|leadership/|jobs/)|log/)' },
    },
    {
      name: 'backups-import-no-restore',
      severity: 'error',
      from: { path: '^functions/backups/' },
      to: { path: '^functions/(?!platform/|leadership/|log/|jobs/|backups/)' },
    },
    {
      name: 'nobody-imports-entry-points',
      severity: 'error',
      from: { path: '^(api|archive|store|leadership|log|functions|client|cli|infra)/' },
      to: { path: '^functions/entry-points/' },
    },
    {
      name: 'nobody-imports-events',
      comment: 'Events are made from the stream of writes; no room depends on being listened to.',
      severity: 'error',
      from: { path: '^functions/(?!events/|entry-points/)' },
      to: { path: '^functions/events/' },
    },
    {
      name: 'another-room-through-its-protocol',
      comment:
        'Never the table, the routes or the handlers of another room; environments and entry points put rooms together.',
      severity: 'error',
      from: {
        path: '^functions/(leadership|jobs|log|backups|restore|events)/',
        pathNot: 'environment\\.ts$',
      },
      to: {
        path: '^functions/(?!platform/).*(-table|routes)\\.ts$|^(leadership|log)/.*-table\\.ts$',
        pathNot: '^(functions/)?$1/',
      },
    },
    {
      name: 'rules-without-sdk',
      severity: 'error',
      from: {
        path: '^(leadership/(lease|lease-writes|leadership|contend|history)|store/(condition|update|write|expression)|log/protocol/[a-z-]+|functions/events/[a-z-]*event)\\.ts$',
      },
      to: { path: '@aws-sdk' },
    },
    {
      name: 'infra-takes-names-and-types',
      severity: 'error',
      from: { path: '^infra/' },
      to: { path: '^(functions|log|leadership|store)/', pathNot: 'keys\\.ts$' },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        path: '^(api|archive|store|leadership|log|functions|client|cli)/',
        pathNot: ['\\.(json|mjs)$', '/stand-ins/'],
      },
      to: {},
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: false,
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: { path: '^(cdk\\.out|\\.tenure)' },
  },
};
