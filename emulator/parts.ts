/** Something that runs until it is stopped. */
export interface Part {
  stop(): Promise<void> | void;
}

/** Running parts, in the order of their starts; they stop in the opposite order. */
export class Parts {
  private readonly running: Part[] = [];

  add<P extends Part>(part: P): P {
    this.running.push(part);
    return part;
  }

  /** Stops every part, also when one of them fails to. */
  async stop(report: (line: string) => void): Promise<void> {
    for (const part of this.running.splice(0).reverse()) {
      await Promise.resolve()
        .then(() => part.stop())
        .catch((cause: unknown) => report(`while stopping: ${String(cause)}`));
    }
  }
}
