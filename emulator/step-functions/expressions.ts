import type { Expression } from 'jsonata';
import jsonata from 'jsonata';
import { addFunctions } from './functions.ts';
import type { Json, JsonObject } from './model.ts';

/** Why an expression gave no value; `location` is the path of the field within the state. */
export class QueryError extends Error {
  readonly location: string;

  constructor(expression: string, location: string, problem: string) {
    super(`The JSONata expression '${expression}' specified for the field '${location}' ${problem}`);
    this.location = location;
  }
}

/** Returns a template with every `{% … %}` in it evaluated, as plain JSON. Throws a QueryError. */
export type Evaluate = (template: Json, bindings: Record<string, unknown>, location: string) => Promise<Json>;

const guardrails = { timeout: 2_000, stack: 1_000, sequence: 1_000_000 };
const cacheLimit = 2_000;

/** The text between `{%` and `%}`, or undefined if the string is a literal. */
export function expressionIn(template: string): string | undefined {
  return template.length >= 4 && template.startsWith('{%') && template.endsWith('%}')
    ? template.slice(2, -2).trim()
    : undefined;
}

export function createEvaluator(now: () => number, random: () => number): Evaluate {
  const compiled = new Map<string, Expression>();

  function compile(source: string): Expression {
    const known = compiled.get(source);
    if (known) return known;
    const expression = jsonata(source, guardrails);
    addFunctions(expression, now, random);
    if (compiled.size >= cacheLimit) compiled.clear();
    compiled.set(source, expression);
    return expression;
  }

  async function query(source: string, bindings: Record<string, unknown>, location: string): Promise<Json> {
    let value: unknown;
    try {
      value = await compile(source).evaluate(undefined, bindings);
    } catch (error) {
      throw new QueryError(source, location, `threw an error during evaluation. ${reason(error)}`);
    }
    if (value === undefined) throw new QueryError(source, location, 'returned nothing (undefined).');
    return plain(value, () => new QueryError(source, location, 'returned a function, which JSON cannot represent.'));
  }

  return async function evaluate(template, bindings, location) {
    if (typeof template === 'string') {
      const source = expressionIn(template);
      return source === undefined ? template : await query(source, bindings, location);
    }
    if (Array.isArray(template)) {
      const items: Json[] = [];
      for (const [index, item] of template.entries())
        items.push(await evaluate(item, bindings, `${location}[${index}]`));
      return items;
    }
    if (typeof template !== 'object' || template === null) return template;
    const result: JsonObject = {};
    for (const [key, value] of Object.entries(template))
      result[key] = await evaluate(value, bindings, `${location}/${key}`);
    return result;
  };
}

/** JSONata marks its arrays (`sequence`, `keepSingleton`) and its functions; neither may leak into a state's data. */
function plain(value: unknown, refusal: () => Error): Json {
  const text = JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'function') throw refusal();
    if (typeof part === 'object' && part !== null && ('_jsonata_function' in part || '_jsonata_lambda' in part))
      throw refusal();
    return part;
  });
  return JSON.parse(text) as Json;
}

function reason(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return [code, message].filter(Boolean).join(': ') || String(error);
}
