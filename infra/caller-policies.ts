/** Puts grants into policies as IAM takes them: white space does not count, every other character does. */
import { Grant, type IGrantable, type IPrincipal, ManagedPolicy, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';

/** An ARN of execute-api with the longest Region, before the name of the resource. */
const arnCharacters = 'arn:aws-us-gov:execute-api:ap-southeast-2:123456789012:abcdefghij/'.length;
const quotes = '"",'.length;
const statementCharacters = '{"Action":"execute-api:Invoke","Effect":"Allow","Resource":[]},'.length;
/** `{"Version":"2012-10-17","Statement":[]}` */
const documentCharacters = 40;

/** Of the 10,240 that all inline policies of a role take; the rest is for the role's own. */
const inlineCharacters = 8_000;
const managedCharacters = 6_144 - documentCharacters;
/** A role has ten unless its account asks for more. */
const mostManaged = 10;

const actions = ['execute-api:Invoke'];

/** Grants of one principal so far. */
interface Granted {
  characters: number;
  inlineLeft: number;
  managed: ManagedPolicy[];
  managedLeft: number;
}

export class CallerPolicies {
  private readonly granted = new Map<IPrincipal, Granted>();

  /**
   * Grants the resources: inline while there is room, and to a role of the app then in managed policies. Throws where
   * IAM would refuse the deployment.
   */
  grant(grantee: IGrantable, resources: readonly string[], arnOf: (resource: string) => string): Grant {
    const { grantPrincipal } = grantee;
    const granted = this.granted.get(grantPrincipal) ?? none();
    this.granted.set(grantPrincipal, granted);
    const inline = takeWhileFits(resources, granted.inlineLeft);
    const rest = resources.slice(inline.length);
    granted.inlineLeft -= charactersOf(inline);
    granted.characters += charactersOf(resources);
    if (rest.length > 0) addManaged(grantPrincipal, granted, rest, arnOf);
    if (inline.length === 0) return Grant.drop(grantee, 'all of it stands in managed policies');
    return Grant.addToPrincipal({ grantee, actions, resourceArns: inline.map(arnOf) });
  }
}

const none = (): Granted => ({ characters: 0, inlineLeft: inlineCharacters, managed: [], managedLeft: 0 });

function addManaged(
  principal: IPrincipal,
  granted: Granted,
  resources: readonly string[],
  arnOf: (resource: string) => string,
): void {
  if (!(principal instanceof Role)) throw tooMany(principal, granted);
  for (let left = resources; left.length > 0; ) {
    const some = takeWhileFits(left, granted.managedLeft);
    if (some.length === 0) {
      if (granted.managed.length === mostManaged) throw tooMany(principal, granted);
      granted.managed.push(new ManagedPolicy(principal, `Tenure${granted.managed.length + 1}`, { roles: [principal] }));
      granted.managedLeft = managedCharacters;
      continue;
    }
    granted.managed.at(-1)?.addStatements(new PolicyStatement({ actions, resources: some.map(arnOf) }));
    granted.managedLeft -= charactersOf(some);
    left = left.slice(some.length);
  }
}

function tooMany(principal: IPrincipal, { characters }: Granted): Error {
  const next = 'grant a prefix of their names, as in "team-*", or spread the groups over several roles';
  return new Error(`${String(principal)}: its grants come to ${characters} characters, more than IAM takes; ${next}`);
}

function takeWhileFits(resources: readonly string[], characters: number): string[] {
  const most = resources.findIndex((_, at) => charactersOf(resources.slice(0, at + 1)) > characters);
  return resources.slice(0, most < 0 ? resources.length : most);
}

/** Of one statement with these resources. */
function charactersOf(resources: readonly string[]): number {
  if (resources.length === 0) return 0;
  return resources.reduce((sum, resource) => sum + arnCharacters + resource.length + quotes, statementCharacters);
}
