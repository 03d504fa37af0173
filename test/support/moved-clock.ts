/** A clock that stands still until a test sets its time, in epoch ms. */
export const movedClock = (time = 1_800_000_000_000) => ({
  time,
  now() {
    return this.time;
  },
  advance(ms: number) {
    this.time += ms;
  },
});
