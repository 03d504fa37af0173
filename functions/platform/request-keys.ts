/**
 * The keys of requests whose outcome no record remembers. Each is kept in an item of its own for a day, so that a key
 * that comes back with another request is refused whichever process looks. That costs a read before the request and a
 * write after it, so only operations that are rare do it, and those that clients send without a key: see `key` of an
 * operation. A refused request leaves nothing behind. Two different requests that come under one key in the same moment
 * are not distinguished.
 */
export interface RequestKeys {
  /** The request that this key stands for; undefined where none does. */
  find(group: string, requestId: string): Promise<KeptRequest | undefined>;
  /** Keeps the key for this request, unless it stands for one already. */
  keep(group: string, request: KeptRequest): Promise<void>;
}

export interface KeptRequest {
  readonly requestId: string;
  /** Its method and path. */
  readonly operation: string;
}
