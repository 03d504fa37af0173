/**
 * Requests and capacity units of one operation, by AWS's rule. The contract tests count them and compare; docs/cost.md
 * is computed from them.
 */
export interface Counted {
  readonly readUnits?: number;
  readonly writeUnits?: number;
  /** Of S3: PUT, COPY, POST and LIST; a DELETE is free. */
  readonly puts?: number;
  readonly gets?: number;
}

export const counted = {
  renew: { writeUnits: 1 },
  lostContend: { writeUnits: 1 },
  observe: { readUnits: 0.5 },
  observeAddresses: { readUnits: 1 },
  address: { readUnits: 2, writeUnits: 4 },
  /** With the longest address and metadata. */
  confirm: { readUnits: 1, writeUnits: 6 },
  beginUpload: { readUnits: 1 },
  /** With the client's PUT of the payload. */
  commit: { writeUnits: 2, puts: 1, gets: 1 },
  /** One entry of 800 bytes: the sequencer, and two writes on each of three replicas. */
  appendAlone: { writeUnits: 7 },
  /** Fifty entries of 800 bytes, at most. */
  appendFifty: { writeUnits: 130 },
} as const satisfies Record<string, Counted>;
