/** Names that the intrinsic functions of one template may refer to. A lookup throws for an unknown name. */
export interface Scope {
  reference(name: string): unknown;
  attribute(logicalId: string, name: string): unknown;
  imported(exportName: string): unknown;
  stackOutput(stackName: string, output: string): unknown;
  mapping(map: string, first: string, second: string): unknown;
  condition(name: string): boolean;
}

const noValue = Symbol('AWS::NoValue');

/**
 * Replaces CloudFormation's intrinsic functions in a piece of template by their values.
 * An intrinsic that is not known here throws, rather than reach a resource as an object.
 */
export function resolveIntrinsics(node: unknown, scope: Scope): unknown {
  const value = resolve(node, scope);
  return value === noValue ? undefined : value;
}

function resolve(node: unknown, scope: Scope): unknown {
  if (Array.isArray(node)) return node.map((item) => resolve(item, scope)).filter((item) => item !== noValue);
  if (node === null || typeof node !== 'object') return node;
  const [only, ...others] = Object.entries(node);
  if (only && others.length === 0 && isIntrinsic(only[0])) return apply(only[0], only[1], scope);
  const members = Object.entries(node).map(([name, member]) => [name, resolve(member, scope)] as const);
  return Object.fromEntries(members.filter(([, member]) => member !== noValue));
}

function isIntrinsic(name: string): boolean {
  return name === 'Ref' || name === 'Condition' || name.startsWith('Fn::');
}

function apply(name: string, argument: unknown, scope: Scope): unknown {
  const value = (node: unknown) => resolve(node, scope);
  switch (name) {
    case 'Ref':
      return argument === 'AWS::NoValue' ? noValue : scope.reference(String(argument));
    case 'Fn::GetAtt':
      return getAttribute(argument, scope);
    case 'Fn::Sub':
      return substitute(argument, scope);
    case 'Fn::Join': {
      const [separator, parts] = argument as [string, unknown];
      return (value(parts) as unknown[]).map(String).join(separator);
    }
    case 'Fn::Select': {
      const [index, list] = value(argument) as [number | string, unknown[]];
      const chosen = list[Number(index)];
      if (chosen === undefined) throw new Error(`Fn::Select asks for item ${index} of ${list.length}`);
      return chosen;
    }
    case 'Fn::Split': {
      const [separator, text] = value(argument) as [string, string];
      return String(text).split(separator);
    }
    case 'Fn::ImportValue':
      return scope.imported(String(value(argument)));
    case 'Fn::GetStackOutput': {
      const { StackName, OutputName } = value(argument) as { StackName: string; OutputName: string };
      return scope.stackOutput(StackName, OutputName);
    }
    case 'Fn::FindInMap': {
      const [map, first, second] = value(argument) as [string, string, string];
      return scope.mapping(map, first, second);
    }
    case 'Fn::Base64':
      return Buffer.from(String(value(argument))).toString('base64');
    case 'Fn::If': {
      const [condition, whenTrue, whenFalse] = argument as [string, unknown, unknown];
      return value(scope.condition(condition) ? whenTrue : whenFalse);
    }
    // A member named Condition may be an ordinary property, for instance of an IAM statement.
    case 'Condition':
      return typeof argument === 'string' ? scope.condition(argument) : { Condition: value(argument) };
    case 'Fn::Equals': {
      const [left, right] = value(argument) as [unknown, unknown];
      return String(left) === String(right);
    }
    case 'Fn::Not':
      return !(value(argument) as unknown[])[0];
    case 'Fn::And':
      return (value(argument) as unknown[]).every(Boolean);
    case 'Fn::Or':
      return (value(argument) as unknown[]).some(Boolean);
    default:
      throw new Error(
        `${name} is not known to the local stack: add it to emulator/cloudformation/assembly/intrinsics.ts`,
      );
  }
}

function getAttribute(argument: unknown, scope: Scope): unknown {
  const [logicalId = '', ...names] = Array.isArray(argument) ? argument.map(String) : String(argument).split('.');
  return scope.attribute(logicalId, names.join('.'));
}

function substitute(argument: unknown, scope: Scope): string {
  const [text, variables] = (Array.isArray(argument) ? argument : [argument, {}]) as [string, Record<string, unknown>];
  return text.replace(/\$\{(!?)([^}]+)\}/g, (_whole, literal: string, name: string) => {
    if (literal) return `\${${name}}`;
    if (name in variables) return String(resolve(variables[name], scope));
    return String(name.includes('.') ? getAttribute(name, scope) : scope.reference(name));
  });
}
