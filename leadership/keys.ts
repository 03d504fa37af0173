/** Where the leadership items of a group lie in the main table. */
export const groupKey = (group: string) => `GROUP#${group}`;
export const leadershipKey = (group: string) => ({ pk: groupKey(group), sk: 'LEADERSHIP' });

const digits = (version: number) => String(version).padStart(12, '0');
export const termPrefix = 'TERM#';
export const floorPrefix = 'FLOOR#';
export const termKey = (group: string, version: number) => ({
  pk: groupKey(group),
  sk: `${termPrefix}${digits(version)}`,
});
export const floorKey = (group: string, version: number) => ({
  pk: groupKey(group),
  sk: `${floorPrefix}${digits(version)}`,
});

export const addressesKey = (group: string) => ({ pk: groupKey(group), sk: 'ADDRESSES' });

/** Who has a request held that waits for a change of the leader. */
export const watchKey = (group: string, caller: string) => ({ pk: groupKey(group), sk: `WATCH#${caller}` });

/** Tells one making of a lost record from the next. */
export const recreationKey = (group: string) => ({ pk: groupKey(group), sk: 'RECREATION' });

/** The index that lists groups: keys only, so that no renewal ever writes to it. */
export const groupsIndex = { name: 'groups', partitionKey: 'groupsPk', partition: 'GROUPS', sortKey: 'group' } as const;

/** The attributes that list an item of the group in a partition of that index. */
export const listedIn = (partition: string, group: string) => ({
  [groupsIndex.partitionKey]: partition,
  [groupsIndex.sortKey]: group,
});

/** A query of one partition of that index. */
export const indexQuery = (table: string, partition: string) => ({
  TableName: table,
  IndexName: groupsIndex.name,
  KeyConditionExpression: '#partition = :partition',
  ExpressionAttributeNames: { '#partition': groupsIndex.partitionKey },
  ExpressionAttributeValues: { ':partition': partition },
});
