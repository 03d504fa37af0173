import * as acceptor from '../../../functions/log/protocol/acceptor.ts';
import { isAccepted, lengthOf, type WriteRequest, withoutStaged } from '../../../functions/log/protocol/replica.ts';
import type { Variant } from './scenario.ts';

/** Mistakes that staged writes invite, by what they get wrong. */
export const stagingVariants: Record<string, Variant> = {
  'a slot is accepted while its value is still on its way': { acceptsAtOnce: true },
  'a replica counts that has accepted a slot and could not stage it': {
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
  'a rival takes what is staged for its own': {
    rules: {
      stage: (action, request) => (action?.staged ? { answer: { staged: true } } : acceptor.stage(action, request)),
    },
  },
  'a promise leaves out what is staged': {
    rules: {
      promiseAt: (meta, action, request) =>
        acceptor.promiseAt(meta, action?.staged && !isAccepted(meta, action) ? undefined : action, request),
    },
  },
  'a promise for a staged slot does not look at what the replica promised': {
    rules: {
      promiseAt: (meta, action, request) =>
        acceptor.promiseAt(action?.staged ? { ...meta, promised: 0 } : meta, action, request),
    },
  },
  'a write to its own staged slot does not look at what the replica promised': {
    rules: {
      write: (meta, action, request) =>
        acceptor.write(action?.staged ? { ...meta, promised: 0 } : meta, action, request),
    },
  },
  'what is staged is cleaned up at the next promise': {
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
