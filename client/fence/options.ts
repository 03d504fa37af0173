/**
 * Checks an option before anything is sent: `NaN` would otherwise make a limit that nothing reaches.
 * @throws RangeError that names the option, the value and the range.
 */
export function wholeOption(name: string, value: number, [least, most]: readonly [number, number]): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(
    `${name} is ${value}: give a whole number from ${least.toLocaleString('en')} to ${most.toLocaleString('en')}.`,
  );
}

/** @throws RangeError that names the option, the value and the choices. */
export function choiceOption<Choice extends string>(name: string, value: Choice, choices: readonly Choice[]): Choice {
  if (choices.includes(value)) return value;
  throw new RangeError(`${name} is "${value}": give one of "${choices.join('", "')}".`);
}
