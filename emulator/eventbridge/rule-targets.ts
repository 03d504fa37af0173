import type { Resource } from '../cloudformation/assembly/read.ts';

/** A target of an EventBridge rule. */
export interface RuleTarget {
  Arn: string;
  Input?: string;
  InputPath?: string;
  InputTransformer?: object;
}

/** Throws for a target whose input would have to be made from the event. */
export function refuseTransformation(targets: RuleTarget[], { path }: Resource): void {
  if (!targets.some(({ InputPath, InputTransformer }) => InputPath || InputTransformer)) return;
  throw new Error(`${path}: InputPath and InputTransformer do not run locally`);
}
