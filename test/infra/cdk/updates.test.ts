import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { resources, templateOf } from './synthesised.ts';

type Template = ReturnType<typeof templateOf>;

/** Lost by a deployment when one of these gets another id: CloudFormation makes a new one, empty. */
const stateful = {
  'AWS::DynamoDB::Table': [
    'TenureStoreReplica1CC871501',
    'TenureStoreReplica2B651E462',
    'TenureStoreReplica3A113C108',
    'TenureStoreTableB4192EF4',
  ],
  'AWS::S3::Bucket': ['TenureStorePayloads536E3D60', 'TenureStorePayloadAccessLogsEA969074'],
};

test('resources that hold data keep their logical ids from version to version', () => {
  for (const [type, ids] of Object.entries(stateful))
    expect(
      resources(templateOf(), type)
        .map(({ id }) => id)
        .sort(),
      type,
    ).toEqual(ids.toSorted());
});

/** The template of a version whose API has these operations. */
async function templateWith(change: (catalogue: Record<string, { path: string }>) => Record<string, unknown>) {
  vi.resetModules();
  vi.doMock('../../../api/catalogue.ts', async (original) => {
    const { catalogue } = await original<{ catalogue: Record<string, { path: string }> }>();
    return { catalogue: change(catalogue) };
  });
  const { templateOf: templateOfVersion } = await import('./synthesised.ts');
  return templateOfVersion() as Template;
}

const routesOf = (template: Template) =>
  new Map(
    resources(template, 'AWS::ApiGatewayV2::Route').map(({ id, properties }) => [properties.RouteKey as string, id]),
  );
const settingsOf = (template: Template) =>
  Object.keys(resources(template, 'AWS::ApiGatewayV2::Stage')[0]?.properties.RouteSettings ?? {});

describe('an update', () => {
  let before: Template;
  beforeAll(() => {
    before = templateOf();
  });
  afterEach(() => {
    vi.doUnmock('../../../api/catalogue.ts');
    // Other files share this process, and must not import a version's catalogue.
    vi.resetModules();
  });

  /** API Gateway refuses settings of routes that it does not have, before and after. */
  function expectUpdatable(after: Template): void {
    for (const key of settingsOf(after)) expect([...routesOf(after).keys()]).toContain(key);
    for (const key of settingsOf(before)) expect([...routesOf(after).keys()]).toContain(key);
    const kept = [...routesOf(before)].filter(([key]) => routesOf(after).has(key));
    for (const [key, id] of kept) expect(routesOf(after).get(key), key).toBe(id);
  }

  test('that removes a route leaves the others as they are', async () => {
    const after = await templateWith(({ collectOrphans: _, ...rest }) => rest);
    expectUpdatable(after);
    expect(routesOf(after).size).toBe(routesOf(before).size - 1);
  });

  test('that renames a route makes another one, next to the old one that then goes', async () => {
    const after = await templateWith(({ listBackups, ...rest }) => ({
      ...rest,
      listBackups: { ...listBackups, path: '/v1/groups/{group}/archives' },
    }));
    expectUpdatable(after);
    const old = routesOf(before).get('GET /v1/groups/{group}/backups');
    const renamed = routesOf(after).get('GET /v1/groups/{group}/archives');
    expect(renamed).toBeDefined();
    expect([...routesOf(before).values()]).not.toContain(renamed);
    expect([...routesOf(after).values()]).not.toContain(old);
  });

  test('that adds a route, or renames its operation, changes no other', async () => {
    const after = await templateWith(({ listBackups, ...rest }) => ({
      ...rest,
      listArchives: listBackups,
      more: { ...listBackups, path: '/v1/groups/{group}/more' },
    }));
    expectUpdatable(after);
    expect(routesOf(after).size).toBe(routesOf(before).size + 1);
  });
});
