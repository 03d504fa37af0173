import { type Answer, json } from './api-gateway/answer.ts';
import type { Targets } from './eventbridge/targets.ts';
import type { Need } from './iam/needs.ts';
import type { FunctionHost } from './lambda/host.ts';

/** A request to an AWS service, its body read. */
export interface ServiceCall {
  readonly url: string;
  /** `x-amz-target`: the service and the operation, where the protocol names them there. */
  readonly operation: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** The context of a service. */
export interface Served {
  readonly functions: FunctionHost;
  readonly targets: Targets;
}

/** One operation of a service that runs here. */
export interface Service {
  takes(call: ServiceCall): boolean;
  /** The rights that IAM would ask for. */
  needs(call: ServiceCall): Need[];
  answer(served: Served, call: ServiceCall): Promise<Answer>;
}

/** An error in the words of AWS's JSON protocols. */
export function serviceError(status: number, type: string, message: string): Answer {
  const { headers, ...rest } = json(status, { __type: type, Type: 'User', Message: message, message });
  return { ...rest, headers: { ...headers, 'x-amzn-errortype': type } };
}
