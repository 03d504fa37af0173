/** Chooses one of the things that it is offered, however many come: each has the same chance. */
export class AnyOf<Thing> {
  readonly #random: () => number;
  #offered = 0;
  #chosen: Thing | undefined;

  constructor(random: () => number) {
    this.#random = random;
  }

  offer(thing: Thing): void {
    this.#offered += 1;
    if (this.#random() * this.#offered < 1) this.#chosen = thing;
  }

  /** Undefined while nothing was offered. */
  get chosen(): Thing | undefined {
    return this.#chosen;
  }
}
