import { BridgeError } from '../src/base/errors.ts';
import type { WearingPart } from './physics.ts';

/** Reads a value of the device by the name of its metric or knob. */
type Reader = (name: string) => number;

/**
 * What breaks in a simulated device: a part wears while it is used, and moves a metric away from where it should be. Off
 * until somebody begins it, and not part of the random stream: the other values stay those of the seed.
 */
export class Wear {
  readonly #parts: Readonly<Record<string, WearingPart>>;
  /** `share`: how far a part has worn, 0 to 1. */
  readonly #worn = new Map<string, { readonly overS: number; share: number }>();

  constructor(parts: Readonly<Record<string, WearingPart>>) {
    this.#parts = parts;
  }

  get names(): readonly string[] {
    return Object.keys(this.#parts);
  }

  /** From now on it wears, at its worst after `overS` simulated seconds of full use. @throws BridgeError BRG_BAD_REQUEST */
  begin(name: string, overS: number): void {
    if (!Object.hasOwn(this.#parts, name)) {
      const allowed = this.names.length === 0 ? 'nothing here wears' : `what wears: ${this.names.join(', ')}`;
      throw new BridgeError('BRG_BAD_REQUEST', `no part ${JSON.stringify(name)}; ${allowed}`);
    }
    this.#worn.set(name, { overS, share: this.#worn.get(name)?.share ?? 0 });
  }

  /** Every worn part is replaced by a new one. */
  repair(): void {
    this.#worn.clear();
  }

  /** Lets simulated time pass. */
  step(seconds: number, read: Reader): void {
    for (const [name, state] of this.#worn)
      state.share = Math.min(
        1,
        state.share + (seconds * this.#use(name, read)) / Math.max(state.overS, 1e-9),
      );
  }

  /** What worn parts add to a metric now. */
  addedTo(metric: string, read: Reader): number {
    let sum = 0;
    for (const [name, { share }] of this.#worn) {
      const part = this.#parts[name];
      if (part?.metric === metric) sum += part.adds * share * this.#use(name, read);
    }
    return sum;
  }

  /** 0: it rests; 1: in full use. */
  #use(name: string, read: Reader): number {
    const part = this.#parts[name];
    return part === undefined ? 0 : read(part.of) / part.per;
  }
}
