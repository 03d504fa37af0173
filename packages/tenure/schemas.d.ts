/**
 * The types of schemas, as far as the package's declarations name them: its code has the part of zod that it uses
 * (schemas.js), and without these a user would install all of zod, 6 MB, for the sake of its types.
 */
export type JSONType = string | number | boolean | null | JSONType[] | { [key: string]: JSONType };

interface Issue {
  readonly code: string;
  readonly path: PropertyKey[];
  readonly message: string;
}

interface Invalid {
  readonly name: string;
  readonly message: string;
  readonly issues: Issue[];
}

export interface ZodMiniType<out Output = unknown, out Input = unknown, out OptIn = unknown, out OptOut = unknown> {
  /** For types only: the value before and after, and whether a member that has it may be absent. */
  readonly _zod: { readonly output: Output; readonly input: Input; readonly optin: OptIn; readonly optout: OptOut };
  /** The value as the schema reads it; throws what safeParse returns as `error`. */
  parse(data: unknown): Output;
  safeParse(
    data: unknown,
  ): { success: true; data: Output; error?: never } | { success: false; data?: never; error: Invalid };
}

export type output<Schema> = Schema extends { _zod: { output: infer Output } } ? Output : unknown;
export type input<Schema> = Schema extends { _zod: { input: infer Input } } ? Input : unknown;

type OptIn<Schema> = Schema extends { _zod: { optin: infer Optional } } ? Optional : unknown;
type OptOut<Schema> = Schema extends { _zod: { optout: infer Optional } } ? Optional : unknown;
type Flat<Members> = { [K in keyof Members]: Members[K] };
type MayBeAbsent<Optional> = unknown extends Optional ? false : true;

type ObjectOutput<Shape> = keyof Shape extends never
  ? Record<string, never>
  : Flat<
      { -readonly [K in keyof Shape as MayBeAbsent<OptOut<Shape[K]>> extends true ? never : K]: output<Shape[K]> } & {
        -readonly [K in keyof Shape as MayBeAbsent<OptOut<Shape[K]>> extends true ? K : never]?: output<Shape[K]>;
      }
    >;
type ObjectInput<Shape> = keyof Shape extends never
  ? Record<string, never>
  : Flat<
      { -readonly [K in keyof Shape as MayBeAbsent<OptIn<Shape[K]>> extends true ? never : K]: input<Shape[K]> } & {
        -readonly [K in keyof Shape as MayBeAbsent<OptIn<Shape[K]>> extends true ? K : never]?: input<Shape[K]>;
      }
    >;
type RecordOf<Key, Name, Value> = Key extends core.$partial
  ? Partial<Record<Name & PropertyKey, Value>>
  : Record<Name & PropertyKey, Value>;

export namespace core {
  /** Unknown members are refused. */
  export type $strict = { '~~strict': true };
  /** Unknown members are left out. */
  export type $strip = { '~~strip': true };
  /** A record that need not have all its keys. */
  export type $partial = { '~~partial': true };
}

export interface ZodMiniString<Input = unknown> extends ZodMiniType<string, Input> {}
export interface ZodMiniURL extends ZodMiniType<string, string> {}
export interface ZodMiniUUID extends ZodMiniType<string, string> {}
export interface ZodMiniBase64 extends ZodMiniType<string, string> {}
export interface ZodMiniISODateTime extends ZodMiniType<string, string> {}
export interface ZodMiniInt extends ZodMiniType<number, number> {}
export interface ZodMiniBoolean<Input = unknown> extends ZodMiniType<boolean, Input> {}
export interface ZodMiniUnknown extends ZodMiniType<unknown, unknown> {}
export interface ZodMiniCustom<Output = unknown, Input = unknown> extends ZodMiniType<Output, Input> {}
export interface ZodMiniTransform<Output = unknown, Input = unknown> extends ZodMiniType<Output, Input> {}
export interface ZodMiniLiteral<Value> extends ZodMiniType<Value, Value> {}
export interface ZodMiniEnum<Values> extends ZodMiniType<Values[keyof Values], Values[keyof Values]> {}
export interface ZodMiniArray<Item> extends ZodMiniType<output<Item>[], input<Item>[]> {}
export interface ZodMiniObject<Shape, _Unknown = core.$strip>
  extends ZodMiniType<ObjectOutput<Shape>, ObjectInput<Shape>> {
  readonly shape: Shape;
}
export interface ZodMiniRecord<Key, Value>
  extends ZodMiniType<RecordOf<Key, output<Key>, output<Value>>, RecordOf<Key, input<Key>, input<Value>>> {}
export interface ZodMiniOptional<Inner>
  extends ZodMiniType<output<Inner> | undefined, input<Inner> | undefined, 'optional', 'optional'> {}
export interface ZodMiniNullable<Inner>
  extends ZodMiniType<output<Inner> | null, input<Inner> | null, OptIn<Inner>, OptOut<Inner>> {}
export interface ZodMiniDefault<Inner>
  extends ZodMiniType<Exclude<output<Inner>, undefined>, input<Inner> | undefined, 'optional'> {}
export interface ZodMiniPipe<From, To> extends ZodMiniType<output<To>, input<From>, OptIn<From>, OptOut<To>> {}
export interface ZodMiniUnion<Options extends readonly unknown[]>
  extends ZodMiniType<output<Options[number]>, input<Options[number]>> {}
export interface ZodMiniDiscriminatedUnion<Options extends readonly unknown[], _Tag extends string>
  extends ZodMiniType<output<Options[number]>, input<Options[number]>> {}
