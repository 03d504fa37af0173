import { atRestTable, costAtRest, type Resource, totalOf } from './cost.ts';
import { tablesOfUse } from './cost-of-use.ts';

type Resources = Readonly<Record<string, Resource>>;

/**
 * The page with its tables computed anew: of a stage with the default settings, and what `monitoring=full` adds.
 * @throws Error when the page lacks one of the tables
 */
export function computed(page: string, resources: Resources, monitored: Resources): string {
  const rows = costAtRest(resources);
  const more = totalOf(costAtRest(monitored)) - totalOf(rows);
  const tables = [atRestTable(rows), ...tablesOfUse(resources).values()];
  const withTables = tables.reduce((text, table) => {
    const [header = ''] = table.split('\n', 1);
    const start = text.indexOf(`${header}\n`);
    if (start < 0) throw new Error(`docs/cost.md has no table that begins with ${header}`);
    const end = text.indexOf('\n\n', start);
    return `${text.slice(0, start)}${table}${end < 0 ? '\n' : text.slice(end)}`;
  }, page);
  return withTables.replace(/(`monitoring=full` adds )\$[\d.]+/, (_, words) => `${words}$${more.toFixed(2)}`);
}
