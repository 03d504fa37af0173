/**
 * The keys of requests whose outcome no record remembers. Each is kept in an item of its own for a day, so that a key
 * that comes back with another request is refused whichever process looks. That costs one more write, so only
 * operations that are rare do it: those that declare `keepsKey`.
 */
export interface RequestKeys {
  /** Keeps the key for this request, unless it stands for another one. */
  claim(group: string, requestId: string, operation: string): Promise<Claim>;
  /** Gives up the key of a request that was refused and has written nothing. */
  release(group: string, requestId: string): Promise<void>;
}

export type Claim =
  | { readonly kind: 'fresh' }
  /** The same request came before: this is a retry. */
  | { readonly kind: 'again' }
  | { readonly kind: 'reused'; readonly requestId: string; readonly operation: string };
