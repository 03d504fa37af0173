/**
 * Which pages are read one after the other by the same reader. The first reader starts the system as the README says.
 */
export const readings = {
  newcomer: ['README.md', 'docs/guide.md'],
  /** With a system that runs already. */
  others: ['docs/cli.md', 'docs/backups.md', 'docs/log.md', 'docs/operations.md'],
  /** In an empty folder with the packed tarballs: test/package reads it. */
  packed: ['docs/start-without-a-clone.md'],
} as const satisfies Record<string, readonly string[]>;
