/** The tasks that only look at records, in one bundle; each is a function of its own. */
export { handler as choose } from './choose.ts';
export { handler as fail } from './fail.ts';
export { handler as lose } from './lose.ts';
export { handler as offer } from './offer.ts';
export { handler as passOver } from './pass-over.ts';
export { handler as run } from './run.ts';
export { handler as suspend } from './suspend.ts';
