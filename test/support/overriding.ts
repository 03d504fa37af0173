/** A store with some methods of its own; the others are those of the store that it stands for. */
export function overriding<Store extends object>(store: Store, own: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      const owner = name in own ? own : target;
      const value = Reflect.get(owner, name) as unknown;
      return typeof value === 'function' ? value.bind(owner) : value;
    },
  });
}
