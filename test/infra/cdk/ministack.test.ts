import { expect, test } from 'vitest';
import { forMiniStack } from '../../ministack/stack.ts';
import { resources, templateOf, text } from './synthesised.ts';

test('the template that MiniStack gets has numbers for timeouts, and each other expression of its workflows', () => {
  const template = templateOf();
  const adapted = forMiniStack(structuredClone(template.toJSON()));
  const machines = resources(template, 'AWS::StepFunctions::StateMachine');
  expect(machines).toHaveLength(3);
  for (const { id, properties } of machines) {
    const before = text(properties.DefinitionString);
    const after = text(adapted.Resources?.[id]?.Properties?.['DefinitionString']);
    expect(() => JSON.parse(after), id).not.toThrow();
    expect(after).not.toMatch(/"(Timeout|Heartbeat)Seconds":"/);
    const expressions = (definition: string) =>
      definition.replaceAll(/"(Timeout|Heartbeat)Seconds":[^,}]+/g, '').match(/\{% .+? %\}/g);
    expect(expressions(after)).toEqual(expressions(before));
  }
});
