import type { ArchivePage, ArchiveSource } from './ports.ts';

const end = 'end';

/** Pages as the source of a writer; one page is fetched while the one before is written. */
export function pagedSource(page: (cursor: string | undefined) => Promise<ArchivePage>): ArchiveSource {
  return {
    async *batches(after) {
      if (after === end) return;
      let coming = ahead(page(after as string | undefined));
      try {
        let cursor: string | undefined;
        do {
          const { entries, nextCursor } = await coming;
          cursor = nextCursor;
          if (cursor !== undefined) coming = ahead(page(cursor));
          yield { entries, after: cursor ?? end };
        } while (cursor !== undefined);
      } finally {
        // Fetching a page marks jobs: nothing of that may come after the reader has stopped.
        await coming.catch(() => undefined);
      }
    },
  };
}

/** Its failure is the reader's once he asks for the page, and nobody's if he never does. */
function ahead<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined);
  return promise;
}
