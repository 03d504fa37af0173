/**
 * Marks subtle lines: those that only a lost answer, a race or damage reaches. One test names each mark and fails when
 * the line is no longer reached, so that a change cannot lose it unseen (test/tidy.test.ts).
 */
type Watcher = (name: string) => void;

let watcher: Watcher | undefined;

export function mark(name: string): void {
  watcher?.(name);
}

/** For tests: called with every mark; undefined ends it. */
export function watchMarks(next: Watcher | undefined): void {
  watcher = next;
}
