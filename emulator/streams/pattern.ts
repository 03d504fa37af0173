type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Pattern = { [name: string]: Pattern | Json[] };

const operators = ['exists', 'anything-but', 'numeric', 'prefix', 'suffix', 'equals-ignore-case'];

/** Throws for an operator that is not known here, so that a filter is never quietly wider than in AWS. */
export function refuseUnknown(pattern: object): void {
  for (const wanted of Object.values(pattern as Pattern)) {
    if (!Array.isArray(wanted)) refuseUnknown(wanted);
    else if (wanted === (pattern as Pattern)['$or']) for (const choice of wanted) refuseUnknown(choice as Pattern);
    else for (const rule of wanted) refuseRule(rule);
  }
}

function refuseRule(rule: Json): void {
  if (!isObject(rule)) return;
  const [[operator = '', argument = null] = []] = Object.entries(rule);
  if (!operators.includes(operator))
    throw new Error(`The filter rule ${JSON.stringify(rule)} is not known to the local stack`);
  if (operator === 'anything-but') refuseRule(argument);
}

/** Whether an event fits a filter pattern of EventBridge or of a Lambda event source mapping. */
export function matches(pattern: object, event: unknown): boolean {
  return fits(pattern as Pattern, event as Json | undefined);
}

function fits(pattern: Pattern, event: Json | undefined): boolean {
  return Object.entries(pattern).every(([name, wanted]) => {
    if (name === '$or') return (wanted as Json[]).some((choice) => fits(choice as Pattern, event));
    const value = isObject(event) ? event[name] : undefined;
    if (Array.isArray(wanted)) return wanted.some((rule) => leafFits(rule, value));
    return fits(wanted, value);
  });
}

function leafFits(rule: Json, value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.some((item) => leafFits(rule, item));
  if (!isObject(rule)) return value === rule;
  const [[operator, argument] = ['', null]] = Object.entries(rule);
  if (operator === 'exists') return argument === (value !== undefined && !isObject(value));
  if (operator === 'anything-but') return value !== undefined && !excluded(argument, value);
  if (operator === 'numeric') return typeof value === 'number' && inRange(argument as Json[], value);
  if (typeof value !== 'string' || typeof argument !== 'string') return false;
  if (operator === 'prefix') return value.startsWith(argument);
  if (operator === 'suffix') return value.endsWith(argument);
  return operator === 'equals-ignore-case' && value.toLowerCase() === argument.toLowerCase();
}

function excluded(argument: Json, value: Json): boolean {
  const rules = Array.isArray(argument) ? argument : [argument];
  return rules.some((rule) => leafFits(rule, value));
}

function inRange(comparisons: Json[], value: number): boolean {
  for (let index = 0; index < comparisons.length; index += 2) {
    const [operator, bound] = [comparisons[index], Number(comparisons[index + 1])];
    const holds =
      (operator === '=' && value === bound) ||
      (operator === '<' && value < bound) ||
      (operator === '<=' && value <= bound) ||
      (operator === '>' && value > bound) ||
      (operator === '>=' && value >= bound);
    if (!holds) return false;
  }
  return true;
}

function isObject(value: Json | undefined): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
