import * as acceptor from '../../../log/protocol/acceptor.ts';
import { isAccepted, lengthOf, type WriteRequest, withoutStaged } from '../../../log/protocol/replica.ts';
import type { Variant } from './scenario.ts';

/** Mistakes that staged writes invite, by what they get wrong. */
export const stagingVariants: Record<string, Variant> = {
  'a slot is accepted while its value is still on its way': { seed: 3_275, acceptsAtOnce: true },
  'a replica counts that has accepted a slot and could not stage it': {
    seed: 1_000,
    rules: { stage: (action, request) => ({ ...acceptor.stage(action, request), answer: { staged: true } }) },
  },
  'a replica counts that has staged a slot and refused to accept it': {
    rules: {
      accept: (meta, request) => {
        const decision = acceptor.accept(meta, request);
        return decision.answer.verdict === 'REJECT' ? { answer: { verdict: 'ACCEPT' } } : decision;
      },
    },
  },
  'a value is staged whatever stands in the slot': {
    rules: {
      stage: (_, { number, by, position, value }) => ({
        answer: { staged: true },
        action: { ...acceptor.performed(position, { number, by }, value), staged: true },
      }),
    },
  },
  'readers take what is staged for accepted': {
    rules: { show: (meta, action) => withoutStaged(acceptor.show(meta, action)) },
  },
  'a promise leaves out what is staged': {
    rules: {
      promiseAt: (meta, action, request) =>
        acceptor.promiseAt(meta, action?.staged && !isAccepted(meta, action) ? undefined : action, request),
    },
  },
  'a staged value is cleaned up at the next promise': {
    tamper: (replica, method, args) => {
      if (method !== 'promise') return args;
      for (const [position, action] of replica.actions) {
        if (action.staged && !isAccepted(replica.inForce, action)) replica.actions.delete(position);
      }
      return args;
    },
  },
  'a NOP reaches beyond its slot': {
    tamper: (_, method, args) => {
      const [request] = args as [WriteRequest];
      if (method !== 'write' || request.value.type !== 'NOP') return args;
      return [{ ...request, value: { type: 'NOP', count: lengthOf(request.value) + 1 } }];
    },
  },
};
