import type { AcceptedDefinitions } from './accepted-definitions.ts';
import { problemsOf } from './definition-rules.ts';
import { expressionIn } from './expressions.ts';
import type { Definition, Json, JsonObject } from './model.ts';
import { isObject, parseJson, ServiceError } from './protocol.ts';

/**
 * Reads a definition. Throws InvalidDefinition with every problem found; what was accepted once is looked at by our
 * rules alone.
 */
export async function readDefinition(text: string, accepted: AcceptedDefinitions): Promise<Definition> {
  const parsed = parseJson(text);
  if (!isObject(parsed)) throw invalid(['INVALID_JSON_DESCRIPTION: the definition is not a JSON object']);
  if (!isObject(parsed['States'])) throw invalid(['SCHEMA_VALIDATION_FAILED: /States is missing']);
  const definition = parsed as unknown as Definition;
  const problems = problemsOf(definition);
  if (problems.length > 0) throw invalid(problems);
  if (accepted.has(text)) return definition;
  const { default: validate } = await import('asl-validator');
  const { isValid, errorsText } = validate(skeleton(parsed) as object, { checkPaths: false, checkArn: false });
  if (!isValid) throw invalid([errorsText(', ')]);
  accepted.add(text);
  return definition;
}

function invalid(problems: string[]): ServiceError {
  return new ServiceError('InvalidDefinition', `Invalid State Machine Definition: '${problems.join(', ')}'`);
}

const templates = ['Output', 'Assign', 'Arguments', 'ItemSelector'];

/**
 * The definition without the data that our own rules have checked: asl-validator takes only objects for an Output, and
 * no expression over several lines, no empty string and no array of strings within them, all of which AWS allows.
 */
function skeleton(value: Json, field = ''): Json {
  if (templates.includes(field)) return {};
  if (field === 'Items') return [];
  if (field === 'Error' || field === 'Cause') return 'text';
  if (typeof value === 'string') return expressionIn(value) === undefined ? value : '{% 1 %}';
  if (Array.isArray(value)) return value.map((item) => skeleton(item));
  if (!isObject(value)) return value;
  const copy: JsonObject = {};
  for (const [key, part] of Object.entries(value)) {
    // Below States the keys are names that people chose, not fields.
    copy[key] = field === 'States' ? skeleton(part) : skeleton(part, key);
  }
  return copy;
}
