/** Of a client of the SDK, ms. Without the flag a request that has timed out is only logged, and waited for. */
export const requestTimeouts = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true };
