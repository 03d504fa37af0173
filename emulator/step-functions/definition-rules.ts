import jsonata from 'jsonata-of-aws';
import { expressionIn } from './expressions.ts';
import type { Catcher, Definition, Json, Retrier, State, StateGraph } from './model.ts';
import { isObject } from './protocol.ts';
import { parameterOf, resourceOf, supportedResources } from './resource.ts';

/**
 * Checks that asl-validator lacks: expressions, variables, retry and catch, timeouts, and what only AWS proper can run.
 */
export function problemsOf(definition: Definition): string[] {
  const { QueryLanguage, TimeoutSeconds } = definition;
  const problems = graphProblems(definition, '', QueryLanguage ?? 'JSONPath', new Set());
  if (TimeoutSeconds !== undefined && !(TimeoutSeconds >= 1)) problems.push('/TimeoutSeconds must be at least 1');
  return problems;
}

function graphProblems(graph: StateGraph, at: string, language: string, outer: Set<string>): string[] {
  if (!isObject(graph.States)) return [`${at}/States is missing`];
  const states = Object.entries(graph.States);
  if (!Object.hasOwn(graph.States, graph.StartAt))
    return [`MISSING_TRANSITION_TARGET: ${at}/StartAt '${graph.StartAt}' is no state`];
  const assigned = new Set(states.flatMap(([, state]) => variablesOf(state)));
  const shadowed = [...assigned].filter((name) => outer.has(name));
  const problems = shadowed.map(
    (name) => `The variable '${name}' assigned in ${at || '/'} is already assigned outside of it`,
  );
  const names = [...assigned].filter(
    (name) => name === 'states' || name.length > 80 || !/^[\p{ID_Start}_][\p{ID_Continue}]*$/u.test(name),
  );
  problems.push(...names.map((name) => `'${name}' cannot be the name of a variable in ${at || '/'}`));
  for (const [name, state] of states) {
    problems.push(...stateProblems(state, `${at}/States/${name}`, language, new Set([...outer, ...assigned])));
  }
  return problems;
}

function variablesOf(state: State): string[] {
  const fields = [state, ...(state.Choices ?? []), ...(state.Catch ?? [])];
  return fields.flatMap(({ Assign }) => (isObject(Assign) ? Object.keys(Assign) : []));
}

function stateProblems(state: State, at: string, language: string, variables: Set<string>): string[] {
  if ((state.QueryLanguage ?? language) !== 'JSONata') {
    return [`${at} uses JSONPath, which the local Step Functions server does not run: set "QueryLanguage": "JSONata"`];
  }
  const problems = [...expressionProblems(state, at), ...retryProblems(state, at)];
  if (state.Assign !== undefined && !isObject(state.Assign)) problems.push(`${at}/Assign must be an object`);
  if (state.Type === 'Task') problems.push(...taskProblems(state, at));
  if (state.Type === 'Map') problems.push(...mapProblems(state, at));
  for (const [index, branch] of (state.Branches ?? []).entries()) {
    problems.push(...graphProblems(branch, `${at}/Branches[${index}]`, language, variables));
  }
  if (state.ItemProcessor)
    problems.push(...graphProblems(state.ItemProcessor, `${at}/ItemProcessor`, language, variables));
  return problems;
}

const notData = ['States', 'Branches', 'ItemProcessor', 'Comment', 'Resource'];

/**
 * Every `{% … %}` of the state must be JSONata 2.0.6, which AWS runs, without $eval: its own parser reads them here.
 * They are evaluated by the newest one, which bounds what an expression may take.
 */
function expressionProblems(value: unknown, at: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => expressionProblems(item, `${at}[${index}]`));
  if (typeof value === 'string') {
    const source = expressionIn(value);
    return source === undefined ? [] : sourceProblems(source).map((problem) => `${at}: ${problem}`);
  }
  if (!isObject(value)) return [];
  const fields = Object.entries(value).filter(([key]) => !notData.includes(key));
  return fields.flatMap(([key, part]) => expressionProblems(part, `${at}/${key}`));
}

function sourceProblems(source: string): string[] {
  let tree: Json;
  try {
    tree = JSON.parse(JSON.stringify(jsonata(source).ast())) as Json;
  } catch (error) {
    const { message } = error as Error;
    return [`'${source}' is no JSONata 2.0.6 (the version on AWS, without ?? and ?:): ${message}`];
  }
  return treeProblems(tree).map((problem) => `'${source}' ${problem}`);
}

function treeProblems(node: Json): string[] {
  if (Array.isArray(node)) return node.flatMap(treeProblems);
  if (!isObject(node)) return [];
  const below = Object.values(node).flatMap(treeProblems);
  if (node['type'] === 'variable' && node['value'] === 'eval')
    below.push('calls $eval, which AWS does not have: use $parse');
  return below;
}

function retryProblems({ Retry = [], Catch = [] }: State, at: string): string[] {
  const problems = [...namesProblems(Retry, `${at}/Retry`), ...namesProblems(Catch, `${at}/Catch`)];
  for (const [index, retrier] of Retry.entries()) {
    const { IntervalSeconds = 1, MaxAttempts = 3, BackoffRate = 2, MaxDelaySeconds, JitterStrategy = 'NONE' } = retrier;
    const field = `${at}/Retry[${index}]`;
    if (!(Number.isInteger(IntervalSeconds) && IntervalSeconds >= 1))
      problems.push(`${field}/IntervalSeconds must be a whole number from 1`);
    if (!(Number.isInteger(MaxAttempts) && MaxAttempts >= 0))
      problems.push(`${field}/MaxAttempts must be a whole number from 0`);
    if (!(BackoffRate >= 1)) problems.push(`${field}/BackoffRate must be at least 1`);
    if (MaxDelaySeconds !== undefined && !(MaxDelaySeconds > IntervalSeconds && MaxDelaySeconds < 31_622_400)) {
      problems.push(
        `${field}/MaxDelaySeconds (${MaxDelaySeconds}) must be above IntervalSeconds (${IntervalSeconds}) and below 31622400`,
      );
    }
    if (!['FULL', 'NONE'].includes(JitterStrategy)) problems.push(`${field}/JitterStrategy must be FULL or NONE`);
  }
  return problems;
}

function namesProblems(handlers: (Retrier | Catcher)[], at: string): string[] {
  return handlers.flatMap(({ ErrorEquals = [] }, index) => {
    if (ErrorEquals.length === 0) return [`${at}[${index}]/ErrorEquals must not be empty`];
    const misplaced = ErrorEquals.includes('States.ALL') && (ErrorEquals.length > 1 || index < handlers.length - 1);
    return misplaced ? [`${at}[${index}]: States.ALL must stand alone and last`] : [];
  });
}

function taskProblems(state: State, at: string): string[] {
  const { Resource = '', TimeoutSeconds, HeartbeatSeconds, Arguments = {} } = state;
  const problems: string[] = [];
  if (
    typeof TimeoutSeconds === 'number' &&
    typeof HeartbeatSeconds === 'number' &&
    HeartbeatSeconds >= TimeoutSeconds
  ) {
    problems.push(`${at}/HeartbeatSeconds (${HeartbeatSeconds}) must be below TimeoutSeconds (${TimeoutSeconds})`);
  }
  const resource = resourceOf(Resource);
  if (!resource) {
    return [
      ...problems,
      `${at}/Resource '${Resource}' does not run locally; these do: ${supportedResources.join(', ')}`,
    ];
  }
  const needed = parameterOf(resource);
  const isExpression = typeof Arguments === 'string' && expressionIn(Arguments) !== undefined;
  if (!isExpression && !(isObject(Arguments) && needed in Arguments))
    problems.push(`${at}/Arguments must have the field ${needed}`);
  return problems;
}

const distributed = [
  'ItemReader',
  'ItemBatcher',
  'ResultWriter',
  'ToleratedFailureCount',
  'ToleratedFailurePercentage',
  'Label',
];

function mapProblems(state: State, at: string): string[] {
  const problems = distributed
    .filter((field) => field in state)
    .map((field) => `${at}/${field} is for distributed maps, which do not run locally`);
  if (!state.ItemProcessor) return [...problems, `${at}/ItemProcessor is missing`];
  const mode = state.ItemProcessor.ProcessorConfig?.Mode ?? 'INLINE';
  if (mode !== 'INLINE')
    problems.push(`${at}/ItemProcessor/ProcessorConfig/Mode must be INLINE to run locally, not ${mode}`);
  return problems;
}
