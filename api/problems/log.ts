import type { ProblemKind } from '../problem.ts';

export const electionLost: ProblemKind = {
  code: 'election_lost',
  status: 409,
  title: 'Another writer won the election',
  retryable: true,
  remedy: 'Elect again after retryAfterMs to take the log over; with `retryable: false` a newer term owns it: stop.',
  counts: 'LogElectionsLost',
};

export const roundsExhausted: ProblemKind = {
  code: 'rounds_exhausted',
  status: 409,
  title: 'The fencing version has no round left',
  retryable: false,
  remedy: 'Elect with the next term: each has 33,554,431 rounds.',
};

export const logNotRecovered: ProblemKind = {
  code: 'log_not_recovered',
  status: 503,
  title: 'Fewer than a quorum of the replicas vote',
  retryable: true,
  remedy: 'Wait for their recovery; `tenure log status` tells what each of them waits for.',
};

export const notElected: ProblemKind = {
  code: 'not_elected',
  status: 409,
  title: 'This writer is not elected',
  retryable: false,
  remedy: 'Elect a writer, then repeat the request with the same Idempotency-Key.',
};

export const exclusivityLost: ProblemKind = {
  code: 'exclusivity_lost',
  status: 409,
  title: 'The position of the request was settled without it',
  retryable: false,
  remedy: 'The request is not in the log. Elect again if this process still leads.',
};

export const outcomeUnknown: ProblemKind = {
  code: 'outcome_unknown',
  status: 503,
  title: 'It is not known whether the request is in the log',
  retryable: true,
  remedy: 'Elect again and repeat the request with the same Idempotency-Key: it is placed once.',
  counts: 'AppendsUnknown',
};

export const stateLocked: ProblemKind = {
  code: 'state_locked',
  status: 409,
  title: 'A backup holds writes back for a moment',
  retryable: true,
  remedy: 'Repeat the request with the same Idempotency-Key after retryAfterMs.',
};

export const truncationHeld: ProblemKind = {
  code: 'truncation_held',
  status: 409,
  title: 'A running backup still reads what would be truncated',
  retryable: true,
  remedy: 'Truncate up to `from`, or wait until the backup has ended.',
};

export const badRange: ProblemKind = {
  code: 'bad_range',
  status: 400,
  title: 'The range of positions is not valid',
  retryable: false,
  remedy: 'Take positions in order, and truncate to at most the next position.',
};

export const truncated: ProblemKind = {
  code: 'truncated',
  status: 410,
  title: 'The positions were truncated',
  retryable: false,
  remedy: 'Read from `begin`.',
};

export const pastEnd: ProblemKind = {
  code: 'past_end',
  status: 416,
  title: 'The log does not reach so far yet',
  retryable: true,
  remedy: 'Read up to `end`, or wait.',
};

export const pending: ProblemKind = {
  code: 'pending',
  status: 409,
  title: 'A position is not settled yet',
  retryable: true,
  remedy: 'Read up to before `position`, or repeat the request after retryAfterMs.',
};

export const initializationRefused: ProblemKind = {
  code: 'initialization_refused',
  status: 409,
  title: 'The replica may not found the log',
  retryable: false,
  remedy: 'Meet the condition that `detail` names, or pass `force` and give up the contents of the log.',
};

export const replicaMissing: ProblemKind = {
  code: 'replica_missing',
  status: 503,
  title: 'The deployment lacks a table of the log',
  retryable: false,
  remedy:
    'Deploy the table again that `detail` names, or move the replica with `tenure log replicas replace` where it is deployed.',
};

export const membersRefused: ProblemKind = {
  code: 'members_refused',
  status: 409,
  title: 'The members of the log cannot be changed so',
  retryable: false,
  remedy: 'Correct what `detail` names; finish a change that is under way, or cancel it.',
};

export const throttled: ProblemKind = {
  code: 'throttled',
  status: 429,
  title: 'The log takes no more for the moment',
  retryable: true,
  remedy: 'This try has sent nothing to the log: repeat it with the same Idempotency-Key after retryAfterMs.',
};
