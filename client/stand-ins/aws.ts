/** Stands for `aws.ts` where a bundler builds for a browser: nothing there knows credentials or stacks. */
function refuse(): never {
  throw new TypeError('In a browser give the TenureClient its `url` and `credentials`: there is no default for them.');
}

export const defaultCredentials = refuse;
export const readStack = refuse;
