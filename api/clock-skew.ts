/** By how much clocks may differ, ms, unless TENURE_MAX_CLOCK_SKEW_MS or an option says otherwise. */
export const defaultClockSkewMs = 250;
