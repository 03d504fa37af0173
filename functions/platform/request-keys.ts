/**
 * The keys of requests whose outcome no record remembers. Each is kept in an item of its own for a day, so that a key
 * that comes back with another request is refused whichever process looks. A request claims its key before it is
 * carried out: of two that come under one key at the same moment, one is. That costs a write, so only operations that
 * are rare do it, and those that clients send without a key: see `key` of an operation. A refused request frees its key
 * by a second write, after which the item has expired.
 */
export interface RequestKeys {
  /** Claims a free key for this request; otherwise returns the request that it stands for, which may be this one. */
  claim(group: string, request: KeptRequest): Promise<KeptRequest | undefined>;
  /** Keeps the key of a repeated request that succeeded, whatever becomes of its first try. */
  keep(group: string, request: KeptRequest): Promise<void>;
  /** Frees the key that a refused request has claimed, unless a repetition has kept it. */
  release(group: string, request: KeptRequest): Promise<void>;
}

export interface KeptRequest {
  readonly requestId: string;
  /** Its method and path. */
  readonly operation: string;
}
