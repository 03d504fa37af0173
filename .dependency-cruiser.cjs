/** Which way imports run. `test/run.mjs` also checks that modules were seen at all. */
const room = (name) => `^functions/${name}/`;

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'platform-knows-no-room',
      severity: 'error',
      from: { path: room('platform') },
      to: { path: '^functions/(?!platform/)' },
    },
    {
      name: 'leadership-knows-only-the-platform',
      severity: 'error',
      from: { path: room('leadership') },
      to: { path: '^functions/(?!platform/|leadership/)' },
    },
    {
      name: 'log-knows-leadership',
      severity: 'error',
      from: { path: room('log') },
      to: { path: '^functions/(?!platform/|leadership/|log/)' },
    },
    {
      name: 'jobs-and-checkpoints-know-leadership',
      severity: 'error',
      from: { path: '^functions/(jobs|checkpoints)/' },
      to: { path: '^functions/(?!platform/|leadership/|jobs/|checkpoints/)' },
    },
    {
      name: 'nobody-knows-the-events',
      comment: 'They are made from what the rooms write; no room depends on being listened to',
      severity: 'error',
      from: { path: '^functions/(?!events/)' },
      to: { path: room('events') },
    },
    {
      name: 'another-room-through-its-protocol',
      comment: 'Never the table, the routes or the handlers of another room; operations/ puts the rooms together',
      severity: 'error',
      from: {
        path: '^functions/(leadership|jobs|checkpoints|log|backups|events)/',
        pathNot: '(handler|room)[^/]*\\.ts$',
      },
      to: { path: '^functions/(?!platform/).*(-table|routes|handler)\\.ts$', pathNot: '^functions/$1/' },
    },
    {
      name: 'rules-without-sdk',
      severity: 'error',
      from: {
        path: '^functions/(leadership/(lease|leadership|history)|events/[a-z-]*event|log/(acceptor|ballot|coordinator|recovery|reader|seat))\\.ts$',
      },
      to: { path: '@aws-sdk|/clock\\.ts$', pathNot: 'platform/clock\\.ts$' },
    },
    {
      name: 'functions-know-no-infra',
      severity: 'error',
      from: { path: '^functions/' },
      to: { path: '^(infra|client|console|test)/' },
    },
    {
      name: 'infra-takes-names-and-types',
      severity: 'error',
      from: { path: '^infra/', pathNot: '^infra/api-documents\\.ts$' },
      to: { path: '^functions/', pathNot: '(schema|catalogue|keys|operation|problems?)\\.ts$' },
    },
    {
      name: 'client-takes-schemas',
      severity: 'error',
      from: { path: '^client/' },
      to: {
        path: '^functions/',
        pathNot: '(schema|catalogue|operation|problems?|backups/archive/archive-[a-z]+)\\.ts$',
      },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^(functions|client)/', pathNot: ['\\.(json|mjs)$', '/stand-ins/'] },
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
