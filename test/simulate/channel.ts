/** One direction between two threads: what is sent arrives in order, later. */
import type { Dice } from './dice.ts';
import type { SimThread } from './timeline.ts';

export class Channel {
  readonly #from: SimThread;
  readonly #to: SimThread;
  readonly #dice: Dice;
  readonly #latencyMs: number;
  #arrivalMs = 0;

  constructor(from: SimThread, to: SimThread, dice: Dice, latencyMs: number) {
    this.#from = from;
    this.#to = to;
    this.#dice = dice;
    this.#latencyMs = latencyMs;
  }

  /** Runs `take` in the other thread. A thread that has ended sends nothing. */
  send(take: () => void): void {
    if (this.#from.isEnded) return;
    const sentMs = this.#from.localMs + this.#dice.between(0, this.#latencyMs);
    this.#arrivalMs = Math.max(this.#arrivalMs, sentMs);
    this.#to.at(this.#arrivalMs, take);
  }
}

/** As postMessage does it: the sender keeps nothing. */
export function transferred(pack: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return structuredClone(pack, { transfer: [pack.buffer] });
}
