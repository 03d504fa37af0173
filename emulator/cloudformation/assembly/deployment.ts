import { resolveIntrinsics, type Scope } from './intrinsics.ts';
import { namesOf } from './names.ts';
import { localAccount, type Resource, type StackTemplate, type TemplateResource } from './read.ts';

/** All stacks of an assembly as one world, in which references reach over stack borders by export name. */
export class Deployment {
  readonly #stacks: readonly StackTemplate[];
  readonly #scopes: ReadonlyMap<StackTemplate, Scope>;
  readonly #assigned = new Map<string, Record<string, string>>();

  constructor(stacks: readonly StackTemplate[]) {
    this.#stacks = stacks;
    this.#scopes = new Map(stacks.map((stack) => [stack, this.#scopeOf(stack)]));
  }

  outputs(): Record<string, string> {
    const outputs: Record<string, string> = {};
    for (const stack of this.#stacks) {
      for (const [name, { Value, Condition }] of Object.entries(stack.template.Outputs ?? {})) {
        if (Condition && !this.#scopeFor(stack).condition(Condition)) continue;
        outputs[name] = String(resolveIntrinsics(Value, this.#scopeFor(stack)));
      }
    }
    return outputs;
  }

  /** Says what Ref (`ref`) or Fn::GetAtt really return, once a part that came up knows better than the prediction. */
  assign(resource: Resource, names: Record<string, string>): void {
    this.#assigned.set(keyOf(resource), { ...this.#assigned.get(keyOf(resource)), ...names });
  }

  /** @throws when a template refers to something that does not exist or that the local stack cannot know. */
  reference(resource: Resource): string {
    return String(this.#names(resource)['ref']);
  }

  /** @throws as `reference`. */
  attribute(resource: Resource, name: string): string {
    return String(this.#scopeFor(resource.stack).attribute(resource.logicalId, name));
  }

  #scopeOf(stack: StackTemplate): Scope {
    const { Parameters = {}, Mappings = {}, Conditions = {} } = stack.template;
    return {
      reference: (name) => {
        const pseudo = pseudoParameter(stack, name);
        if (pseudo !== undefined) return pseudo;
        const parameter = Parameters[name];
        if (parameter) return parameter.Default ?? missing(`Parameter ${name} of stack ${stack.name} has no default`);
        return this.#names(this.#resourceOf(stack, name))['ref'];
      },
      attribute: (logicalId, name) => {
        const resource = this.#resourceOf(stack, logicalId);
        return (
          this.#names(resource)[name] ??
          missing(`${resource.path}: the attribute ${name} of ${resource.type} is not known to the local stack`)
        );
      },
      imported: (exportName) => {
        for (const exporting of this.#stacks) {
          const scope = this.#scopes.get(exporting);
          for (const { Value, Export } of Object.values(exporting.template.Outputs ?? {})) {
            if (Export && scope && resolveIntrinsics(Export.Name, scope) === exportName)
              return resolveIntrinsics(Value, scope);
          }
        }
        return missing(`Stack ${stack.name} imports ${exportName}, which no stack of the app exports`);
      },
      stackOutput: (stackName, output) => {
        const owner = this.#stacks.find(({ name }) => name === stackName);
        const found = owner?.template.Outputs?.[output];
        if (!owner || !found)
          return missing(`Stack ${stack.name} reads ${stackName}.${output}, which no stack of the app puts out`);
        return resolveIntrinsics(found.Value, this.#scopeFor(owner));
      },
      mapping: (map, first, second) =>
        Mappings[map]?.[first]?.[second] ?? missing(`Mapping ${map} of stack ${stack.name} has no ${first}.${second}`),
      condition: (name) => {
        if (!(name in Conditions)) return missing(`Stack ${stack.name} has no condition ${name}`);
        return Boolean(resolveIntrinsics(Conditions[name], this.#scopeFor(stack)));
      },
    };
  }

  #scopeFor(stack: StackTemplate): Scope {
    return this.#scopes.get(stack) ?? missing(`Stack ${stack.name} is not part of this deployment`);
  }

  #resourceOf(stack: StackTemplate, logicalId: string): Resource {
    const resource = stack.template.Resources?.[logicalId];
    return resource
      ? describe(stack, logicalId, resource)
      : missing(`Stack ${stack.name} refers to ${logicalId}, which it does not have`);
  }

  /** A resource's properties with every intrinsic function resolved. */
  properties<Shape>({ stack, logicalId }: Resource): Shape {
    return (resolveIntrinsics(stack.template.Resources?.[logicalId]?.Properties ?? {}, this.#scopeFor(stack)) ??
      {}) as Shape;
  }

  #names(resource: Resource): Record<string, string> {
    const alias = this.#aliasOf(resource);
    if (alias) return alias;
    return { ...namesOf(resource, this.#nameProperties(resource)), ...this.#assigned.get(keyOf(resource)) };
  }

  /** Only the properties that can name a resource: resolving all of them would go round in circles. */
  #nameProperties({ stack, logicalId }: Resource): Record<string, unknown> {
    const raw = stack.template.Resources?.[logicalId]?.Properties ?? {};
    const naming = Object.entries(raw).filter(([property]) => property.endsWith('Name'));
    return (resolveIntrinsics(Object.fromEntries(naming), this.#scopeFor(stack)) ?? {}) as Record<string, unknown>;
  }

  /** Versions and aliases run the same code here: both are the function itself. */
  #aliasOf(resource: Resource): Record<string, string> | undefined {
    if (resource.type !== 'AWS::Lambda::Version' && resource.type !== 'AWS::Lambda::Alias') return undefined;
    const { FunctionName, Name } = this.properties<{ FunctionName: string; Name?: string }>(resource);
    const target =
      this.find('AWS::Lambda::Function', FunctionName) ?? missing(`${resource.path}: no function ${FunctionName}`);
    const qualified = `${this.#names(target)['Arn']}:${Name ?? '1'}`;
    return { ref: qualified, Arn: qualified, AliasArn: qualified, FunctionArn: qualified, Version: '1' };
  }

  all(): Resource[] {
    return this.#stacks.flatMap((stack) =>
      Object.entries(stack.template.Resources ?? {})
        .filter(([, { Condition }]) => !Condition || this.#scopeFor(stack).condition(Condition))
        .map(([logicalId, resource]) => describe(stack, logicalId, resource)),
    );
  }

  /** Resources of these types whose condition holds, in template order. */
  resources(...types: string[]): Resource[] {
    return this.all().filter(({ type }) => types.includes(type));
  }

  /** The resource that an ARN or name belongs to; a function's ARN may carry a qualifier. */
  find(type: string, arnOrName: string): Resource | undefined {
    return this.resources(type).find((resource) => {
      const { ref, Arn } = this.#names(resource);
      return arnOrName === ref || arnOrName === Arn || arnOrName.startsWith(`${Arn}:`);
    });
  }
}

function pseudoParameter(stack: StackTemplate, name: string): string | undefined {
  const values: Record<string, string> = {
    'AWS::AccountId': stack.account,
    'AWS::Region': stack.region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': stack.name,
    'AWS::StackId': `arn:aws:cloudformation:${stack.region}:${localAccount}:stack/${stack.name}/local`,
    'AWS::NotificationARNs': '',
  };
  return values[name];
}

function describe(stack: StackTemplate, logicalId: string, { Type, Metadata }: TemplateResource): Resource {
  const path = String(Metadata?.['aws:cdk:path'] ?? `${stack.name}/${logicalId}`).replace(/\/Resource$/, '');
  return { stack, logicalId, type: Type, path };
}

function keyOf({ stack, logicalId }: Resource): string {
  return `${stack.name}/${logicalId}`;
}

function missing(what: string): never {
  throw new Error(what);
}
