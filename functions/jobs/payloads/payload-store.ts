/** The promised size and digest of one PUT or part; S3 refuses anything else. */
export interface Promised {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

export interface SignedRequest {
  readonly url: string;
  /** To be sent with it as they are. */
  readonly headers: Record<string, string>;
}

export interface Part {
  readonly partNumber: number;
  readonly etag: string;
  /** Hex. */
  readonly sha256: string;
}

export interface Stored {
  readonly bytes: number;
  /**
   * As S3 keeps it: base64, for a payload in parts the checksum of checksums and `-` and their number; undefined when
   * S3 has none.
   */
  readonly checksum?: string | undefined;
}

export interface ListedPage {
  readonly items: Listed[];
  readonly more: boolean;
}

export interface Listed {
  readonly key: string;
  readonly bytes: number;
  /** Epoch ms. */
  readonly modifiedAt: number;
}

export type Completion = { outcome: 'completed' | 'over' } | { outcome: 'refused'; reason: string };

/** The port to the bucket: every method but `discard` is one request; signing is none. */
export interface PayloadStore {
  /** Allows to write these very bytes under the key, once. */
  signPut(key: string, promised: Promised, now: number): Promise<SignedRequest>;
  /** Answers S3's id of the upload. */
  beginParts(key: string): Promise<string>;
  signPart(
    key: string,
    multipartId: string,
    partNumber: number,
    promised: Promised,
    now: number,
  ): Promise<SignedRequest>;
  /**
   * Makes the parts the payload. `over` when this upload, or another, has been completed under the key already;
   * `refused`, with S3's words, when the parts are not those that were uploaded.
   */
  complete(key: string, multipartId: string, parts: readonly Part[]): Promise<Completion>;
  /** Writes a small payload itself; nothing happens when the key is taken. */
  put(key: string, bytes: Uint8Array, sha256: string): Promise<void>;
  /** Undefined when there is no such payload. */
  stat(key: string): Promise<Stored | undefined>;
  signGet(key: string, now: number): Promise<string>;
  /** Deletes; returns the keys that could not be. One that is not there counts as deleted. */
  discard(keys: readonly string[]): Promise<string[]>;
  /** In order of the keys, at most 1,000. */
  list(prefix: string, after: string | undefined): Promise<ListedPage>;
}

/** Signed URLs live so long, seconds. */
export const urlLifetimeSeconds = 3_600;
