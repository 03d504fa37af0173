/** Each caller waits until so many have arrived. */
export function meetingOf(size: number) {
  let arrived = 0;
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  return {
    async arrive(): Promise<void> {
      arrived += 1;
      if (arrived === size) begin();
      await begun;
    },
  };
}
