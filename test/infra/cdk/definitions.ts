import type { JsonObject } from '../../../emulator/step-functions/model.ts';
import { resources, templateOf, text } from './synthesised.ts';

/** The states of each state machine of the template, those of a Map among them, by the name of the machine. */
export function definitions(): Record<string, Record<string, JsonObject>> {
  const machines = resources(templateOf(), 'AWS::StepFunctions::StateMachine').map(({ id, properties }) => {
    const states: Record<string, JsonObject> = {};
    JSON.parse(text(properties.DefinitionString), (key, value) => {
      if (key === 'States') Object.assign(states, value);
      return value;
    });
    return [/^TenureService(backup|restore|recoverreplica)/.exec(id)?.[1] ?? id, states] as const;
  });
  return Object.fromEntries(machines);
}
