import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * In a bundle in the place of the SDK's package of this name: Lambda hands a function its credentials in the
 * environment, and the sign-ins, profiles and metadata services that the SDK would try after them are a fifth of a
 * bundle.
 */
export const defaultProvider = fromEnv;
