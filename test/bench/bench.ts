/** One comparison, as a row of the table. */
export interface Row {
  /** The comparison and, where it is not obvious, its unit. */
  what: string;
  ours: string;
  theirs: string;
  /** Ours divided by theirs; left out where a quotient says nothing. */
  ratio?: number;
  aim?: Aim;
}

export interface Aim {
  /** As it is shown: "≤ 1.15". */
  said: string;
  met: boolean;
}

export interface Measured {
  rows: Row[];
  /** The other systems, with their versions: "etcd 3.4.23". */
  peers?: string[];
  /** Sentences below the table: how it was measured, what is missing and what to install for it. */
  notes?: string[];
}

/**
 * The export `bench` of `test/bench/<name>/bench.ts`. It starts what it needs, and has stopped it when run() answers.
 */
export interface Bench {
  name: string;
  /** The table's message, in one sentence. */
  sentence: string;
  /** Says meanwhile how far it is. */
  run(say: (progress: string) => void): Promise<Measured>;
}

/** An upper bound for a number that is shown as `shown` (the number itself unless given). */
export function atMost(limit: number, measured: number, shown = String(limit)): Aim {
  return { said: `≤ ${shown}`, met: measured <= limit };
}
