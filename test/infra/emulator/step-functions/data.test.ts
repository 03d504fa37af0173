import { expect, test } from 'vitest';
import { createEvaluator } from '../../../../emulator/step-functions/expressions.ts';
import { callbackTask, runOnce, testServer } from './support.ts';

const graph = (states: Record<string, object>) => ({ StartAt: Object.keys(states)[0], States: states });
const now = Date.UTC(2026, 0, 1);
const evaluate = createEvaluator(
  () => now,
  () => 0.5,
);
const query = async (source: string, bindings: Record<string, unknown> = {}) =>
  await evaluate(`{% ${source} %}`, bindings, 'Output');

test('Variables are as they were when the state began, for every field of it', async () => {
  const server = await testServer();
  const { result } = await runOnce(server, {
    Set: { Type: 'Pass', Assign: { a: 1, b: { deep: ['{% 1 + 1 %}'] } }, Next: 'Swap' },
    Swap: { Type: 'Pass', Assign: { a: '{% $b %}', b: '{% $a %}' }, Output: { a: '{% $a %}' }, Next: 'Say' },
    Say: { Type: 'Succeed', Output: { before: '{% $states.input %}', a: '{% $a %}', b: '{% $b %}' } },
  });
  expect(result).toEqual({ before: { a: 1 }, a: { deep: [2] }, b: 1 });
});

test('Branches read the variables around them; their own end with them and are not seen by each other', async () => {
  const server = await testServer();
  const branch = (name: string) =>
    graph({
      [`Set${name}`]: { Type: 'Pass', Assign: { [`own${name}`]: name }, Next: `Say${name}` },
      [`Say${name}`]: {
        Type: 'Pass',
        Output: `{% [$outer, $own${name}, $exists($ownOne) and $exists($ownTwo)] %}`,
        End: true,
      },
    });
  const { result } = await runOnce(server, {
    Set: { Type: 'Pass', Assign: { outer: 'o' }, Next: 'Both' },
    Both: {
      Type: 'Parallel',
      Branches: [branch('One'), branch('Two')],
      Assign: { results: '{% $states.result %}' },
      Next: 'Say',
    },
    Say: { Type: 'Succeed', Output: { results: '{% $results %}', leaked: '{% $exists($ownOne) %}' } },
  });
  expect(result).toEqual({
    results: [
      ['o', 'One', false],
      ['o', 'Two', false],
    ],
    leaked: false,
  });
});

test('$states.context says which execution, state and machine this is', async () => {
  const server = await testServer();
  const machine = await server.machine({ Say: { Type: 'Pass', Output: '{% $states.context %}', End: true } });
  const execution = await server.start(machine, { n: 1 }, 'named');
  const date = new Date(now).toISOString();
  expect((await server.ended(execution)).result).toEqual({
    Execution: {
      Id: execution,
      Input: { n: 1 },
      Name: 'named',
      RoleArn: 'arn:aws:iam::000000000000:role/workflow',
      StartTime: date,
      RedriveCount: 0,
    },
    StateMachine: { Id: machine, Name: machine.split(':').at(-1) },
    State: { Name: 'Say', EnteredTime: date },
  });
});

test('The task token exists while the task is being called, and nowhere else', async () => {
  const server = await testServer();
  const execution = await server.start(await server.machine({ Ask: callbackTask() }));
  expect(await server.token(1)).toEqual(expect.any(String));
  const none = await runOnce(server, { Say: { Type: 'Pass', Output: '{% $states.context.Task.Token %}', End: true } });
  expect(none.error).toBe('States.QueryEvaluationError');
  expect((await server.describe(execution)).status).toBe('RUNNING');
});

test('Only a string that is {% … %} from its first to its last character is an expression', async () => {
  const literals = [' {% 1 %}', '{% 1 %} ', '{1}', '$states.input', '{%', '%}', '{%}', ''];
  expect(await evaluate(literals, {}, 'Output')).toEqual(literals);
  expect(await evaluate({ a: ['{% 1 %}', '{%2%}', '{%\n  3\n%}'] }, {}, 'Output')).toEqual({ a: [1, 2, 3] });
});

test('JSONata keeps its singleton rules, and its arrays come out as plain JSON', async () => {
  const x = { list: [{ n: 1 }, { n: 2 }], one: [{ n: 1 }], empty: [] };
  expect(await query('$x.list.n', { x })).toEqual([1, 2]);
  expect(await query('$x.one.n', { x })).toBe(1);
  expect(await query('[$x.one.n]', { x })).toEqual([1]);
  expect(await query('$x.one.n[]', { x })).toEqual([1]);
  expect(await query('$x.empty', { x })).toEqual([]);
  expect(Object.getOwnPropertyNames(await query('$x.list.n', { x }))).toEqual(['0', '1', 'length']);
  await expect(query('$x.empty.n', { x })).rejects.toThrow('returned nothing (undefined)');
});

test('An undefined result, a function, an error and every endless evaluation are query errors', async () => {
  await expect(query('$nothing')).rejects.toThrow(
    "The JSONata expression '$nothing' specified for the field 'Output' returned nothing (undefined).",
  );
  await expect(query('$states.input', { states: {} })).rejects.toThrow('returned nothing');
  await expect(query('$')).rejects.toThrow('returned nothing');
  await expect(query('$sum')).rejects.toThrow('returned a function');
  await expect(query('{"f": function($x) { $x }}')).rejects.toThrow('returned a function');
  await expect(query('1 + "a"')).rejects.toThrow('T2002');
  await expect(query("$error('boo')")).rejects.toThrow('boo');
  await expect(query("$eval('1')")).rejects.toThrow('non-function');
  await expect(query('($f := function($n) { 1 + $f($n) }; $f(0))')).rejects.toThrow('D1011');
  await expect(query('[1..5000000]')).rejects.toThrow('D2015');
  await expect(query('($f := function($n) { $f($n) }; $f(0))')).rejects.toThrow('D1012');
});

test('The functions that Step Functions adds', async () => {
  expect(await query('$partition([1..5], 2)')).toEqual([[1, 2], [3, 4], [5]]);
  expect(await query('$partition([1], 2)')).toEqual([[1]]);
  await expect(query('$partition([1], 0)')).rejects.toThrow('at least 1');
  expect(await query('$range(0, 10, 5)')).toEqual([0, 5, 10]);
  expect(await query('$range(3, 1, -1)')).toEqual([3, 2, 1]);
  await expect(query('$range(1, 2000, 1)')).rejects.toThrow('at most 1000');
  expect(await query("$hash('abc', 'SHA-256')")).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  expect(await query("$hash('abc', 'MD5')")).toBe('900150983cd24fb0d6963f7d28e17f72');
  await expect(query("$hash('abc', 'CRC32')")).rejects.toThrow('SHA-512');
  expect(await query(`$parse('{"a": [1]}').a`)).toEqual([1]);
  await expect(query("$parse('{a')")).rejects.toThrow('JSON');
  expect(await query('$uuid()')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(await query('$random()')).toBe(0.5);
  expect(await query('[$random(7) = $random(7), $random(7) = $random(8), $random(7) < 1]')).toEqual([
    true,
    false,
    true,
  ]);
  expect(await query("[$now(), $now('[Y]'), $millis()]")).toEqual(['2026-01-01T00:00:00.000Z', '2026', now]);
});
