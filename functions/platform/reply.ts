/**
 * A function's reply in Lambda's form. Hono passes on any value: a whole `Response`, with its streams and signals,
 * costs as much as a renewal's own work and is made only where no event of Lambda asks.
 */
export class Reply {
  constructor(
    readonly status: number,
    readonly headers: Readonly<Record<string, string>>,
    readonly body: string,
  ) {}
}

/** JSON with these headers, in the form that the caller of the function takes. */
export function reply(
  { event }: { event?: unknown },
  status: number,
  content: unknown,
  headers: Readonly<Record<string, string>>,
): Response {
  const body = JSON.stringify(content);
  return event ? (new Reply(status, headers, body) as unknown as Response) : new Response(body, { status, headers });
}
