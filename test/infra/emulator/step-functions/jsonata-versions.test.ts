import now, { type Expression } from 'jsonata';
import onAws from 'jsonata-of-aws';
import { expect, test } from 'vitest';
import { addFunctions } from '../../../../emulator/step-functions/functions.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { resources, templateOf, text } from '../../cdk/synthesised.ts';

type Version = (source: string) => Expression;

async function outcome(version: Version, source: string, bindings: Record<string, unknown> = {}): Promise<string> {
  try {
    const expression = version(source);
    addFunctions(
      expression,
      () => 0,
      () => 0.5,
    );
    expression.registerFunction('uuid', () => 'uuid', '<:s>');
    return JSON.stringify(await expression.evaluate({ o: { a: 1 } }, bindings)) ?? 'nothing';
  } catch (error) {
    const { code, name } = error as { code?: string; name?: string };
    return code ?? name ?? 'Error';
  }
}

/**
 * All that is known to differ between JSONata 2.0.6, which AWS runs, and the version that evaluates here. A definition
 * with one of the first three is refused at its creation, as AWS does.
 */
test.each([
  ['nothing ?? 1', 'S0211', '1'],
  ['o.a ?: 2', 'S0211', '1'],
  ['o.b ?: 2', 'S0211', '2'],
  ['$lookup(o, "__proto__")', '{}', 'nothing'],
  ['{"__proto__": {"x": 1}}', '{}', '{"__proto__":{"x":1}}'],
  ['{"_jsonata_lambda": true}', '{"_jsonata_lambda":true}', 'D1013'],
  ['{"_jsonata_function": true}', '{"_jsonata_function":true}', 'D1013'],
])('%s differs', async (source, aws, ours) => {
  expect([await outcome(onAws, source), await outcome(now, source)]).toEqual([aws, ours]);
});

/** Every expression of our workflows. */
function expressions(): string[] {
  const found = resources(templateOf(), 'AWS::StepFunctions::StateMachine').flatMap(({ properties }) => {
    const all: string[] = [];
    JSON.parse(text(properties.DefinitionString), (_, value) => {
      if (typeof value === 'string' && /^\{%.*%\}$/s.test(value)) all.push(value.slice(2, -2).trim());
      return value;
    });
    return all;
  });
  return [...new Set(found)];
}

interface Node {
  type?: string;
  value?: string;
  steps?: Node[];
}

/** The variables of an expression: `$name` and `$name.field.field`. */
function pathsIn(node: unknown): string[][] {
  if (typeof node !== 'object' || node === null) return [];
  const { type, value = '', steps = [] } = node as Node;
  const first = steps[0];
  if (type === 'path' && first?.type === 'variable' && first.value)
    return [[first.value, ...steps.slice(1).flatMap((step) => (step.type === 'name' ? [step.value ?? ''] : []))]];
  if (type === 'variable' && value) return [[value]];
  // The name in a call is a function.
  return Object.entries(node).flatMap(([key, part]) => (key === 'procedure' ? [] : pathsIn(part)));
}

const someValue = ['', 'text', 0, 1, 17, true, false, null, [], [1, 'two'], { nextToken: 't' }, undefined];

test('every expression of our workflows gives the same in both', async () => {
  const all = expressions();
  expect(all.length).toBeGreaterThan(40);
  const random = seededRandom(206);
  const outcomes = new Set<string>();
  for (const source of all) {
    const paths = pathsIn(now(source).ast());
    for (let round = 0; round < 12; round += 1) {
      const bindings: Record<string, unknown> = {};
      for (const [name = '', ...fields] of paths) {
        if (fields.length === 0 && (name in bindings || name === 'states')) continue;
        let place = bindings;
        for (const [at, key] of [name, ...fields].entries()) {
          const below = place[key];
          if (at === fields.length) place[key] = random.pick(someValue);
          else if (typeof below !== 'object' || below === null || Array.isArray(below)) place[key] = {};
          place = place[key] as Record<string, unknown>;
        }
      }
      const [aws, ours] = [await outcome(onAws, source, bindings), await outcome(now, source, bindings)];
      expect(ours, `${source} with ${JSON.stringify(bindings)}`).toBe(aws);
      outcomes.add(ours);
    }
  }
  expect(outcomes.size, 'values of many kinds came of them').toBeGreaterThan(15);
});
