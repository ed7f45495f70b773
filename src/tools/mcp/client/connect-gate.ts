/** Lets so many attempts run at once; the others wait in order. */
export class ConnectGate {
  readonly #atOnceMax: number;
  readonly #waiting: (() => void)[] = []; // bounded: one attempt a server
  #running = 0;

  constructor(atOnceMax: number) {
    this.#atOnceMax = atOnceMax;
  }

  async run<T>(attempt: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#atOnceMax) await new Promise<void>((resume) => this.#waiting.push(resume));
    else this.#running++;
    try {
      return await attempt();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next(); // takes the place over
    }
  }
}
