import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { ItemStore } from '../../store/item-store.ts';
import { ItemTable } from '../../store/item-table.ts';
import { remove, set } from '../../store/update.ts';
import { put, update } from '../../store/write.ts';
import type { BackupOwners } from './backup-owners.ts';

const ownerKey = (backupId: string) => ({ pk: `BACKUP#${backupId}`, sk: 'OWNER' });

/** Binds the port to the main table. */
export const backupOwnersTable = (client: DynamoDBDocumentClient, table: string): BackupOwners =>
  new BackupOwnersTable(new ItemTable(client, table));

class BackupOwnersTable implements BackupOwners {
  readonly #items: ItemStore;

  constructor(items: ItemStore) {
    this.#items = items;
  }

  async remember(backupId: string, group: string): Promise<void> {
    await this.#items.write([put(ownerKey(backupId), { owner: group })]);
  }

  async ownerOf(backupId: string): Promise<string | undefined> {
    const item = await this.#items.get(ownerKey(backupId), { consistent: true });
    return item?.['owner'] as string | undefined;
  }

  /** Items of this table are never deleted, they expire. */
  async forget(backupId: string, now: number): Promise<void> {
    const ttl = Math.floor(now / 1_000);
    await this.#items.write([update(ownerKey(backupId), [...set('ttl', ttl), ...remove('owner')])]);
  }
}
