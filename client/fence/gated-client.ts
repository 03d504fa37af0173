/** A store's client whose every call waits at a gate, and may lose its answer. */

type Callable = (...args: unknown[]) => unknown;

/** Names by which an object shows that it sends requests itself, such as the connection of a pool. */
const sends = ['query', 'send', 'begin', 'unsafe', 'get', 'put', 'fetch', 'write', 'read'];

/**
 * Wraps a client: each call that returns a promise first waits for `gate`, and fails with the error of `lose`, if there
 * is one, after it took effect. Connections that a call returns, or passes to a callback, are wrapped, too.
 */
export function gated<Client extends object>(
  client: Client,
  gate: (call: string) => Promise<void>,
  lose: () => Error | undefined,
): Client {
  const wrap = <Value>(value: Value): Value => (isClient(value) ? (gated(value, gate, lose) as Value) : value);

  const call = (target: Callable, self: unknown, name: string, args: unknown[]) => {
    const passed = args.map((arg) => (typeof arg === 'function' ? wrapCallback(arg as Callable) : arg));
    if (name === 'release' || name === 'end' || name === 'on' || name === 'once' || name === 'destroy') {
      return target.apply(self, args);
    }
    return (async () => {
      await gate(`${name} ${summary(args)}`.trim());
      const result = await (target.apply(self, passed) as Promise<unknown>);
      const lost = isClient(result) ? undefined : lose();
      if (lost) throw lost;
      return wrap(result);
    })();
  };

  const wrapCallback =
    (callback: Callable): Callable =>
    (...args) =>
      callback(...args.map(wrap));

  return new Proxy(client, {
    get(target, property) {
      const value = Reflect.get(target, property, target) as unknown;
      if (typeof value !== 'function' || typeof property === 'symbol') return value;
      return (...args: unknown[]) => call(value as Callable, target, property, args);
    },
    apply: (target, self, args) => call(target as unknown as Callable, self, 'call', args as unknown[]),
  });
}

function isClient(value: unknown): value is object {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  if (Array.isArray(value) || value instanceof Uint8Array) return false;
  return sends.some((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

/** The first words of a statement, or the name of a command. */
function summary([first]: unknown[]): string {
  if (typeof first === 'string') return first.replace(/\s+/g, ' ').slice(0, 48);
  const name = (first as object | undefined)?.constructor?.name ?? '';
  return name === 'Object' || name === 'Array' ? '' : name;
}
