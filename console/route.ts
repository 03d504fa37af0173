/** The page's addresses, behind the `#`: so they work below any path, and each can be sent to a colleague. */

export type Route =
  | { readonly kind: 'overview'; readonly filter: string; readonly sort: string }
  | { readonly kind: 'group'; readonly group: string; readonly tab: Tab };

export const tabs = ['now', 'jobs', 'logs', 'backups', 'explain'] as const;
export type Tab = (typeof tabs)[number];

export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [room, group, tab] = path.split('/').map(decoded);
  const known = tabs.find((one) => one === tab) ?? 'now';
  if (room === 'groups' && group) return { kind: 'group', group, tab: known };
  const search = new URLSearchParams(query);
  return { kind: 'overview', filter: search.get('filter') ?? '', sort: search.get('sort') ?? '' };
}

export function linkTo(route: Route): string {
  if (route.kind === 'group') {
    const tab = route.tab === 'now' ? '' : `/${route.tab}`;
    return `#/groups/${encodeURIComponent(route.group)}${tab}`;
  }
  const search = new URLSearchParams();
  if (route.filter) search.set('filter', route.filter);
  if (route.sort) search.set('sort', route.sort);
  return search.size > 0 ? `#/?${search}` : '#/';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
