/**
 * How far the journal has been applied: the lowest sequence number below which every message was
 * committed. Turns of different agents end in any order, so each batch counts down on its own.
 */
export interface BatchProgress {
  readonly lastSequence: number;
  outstanding: number;
}

export class ProgressTracker {
  readonly #batches: BatchProgress[] = [];
  #watermark: number;
  #outstanding = 0;

  constructor(watermark: number) {
    this.#watermark = watermark;
  }

  /** Every message up to this sequence number is applied. */
  get watermark(): number {
    return this.#watermark;
  }

  /** Messages journaled and not applied. */
  get outstanding(): number {
    return this.#outstanding;
  }

  add(firstSequence: number, count: number): BatchProgress {
    const progress = { lastSequence: firstSequence + count - 1, outstanding: count };
    this.#batches.push(progress);
    this.#outstanding += count;
    return progress;
  }

  complete(progress: BatchProgress, count: number): void {
    progress.outstanding -= count;
    this.#outstanding -= count;
    while (this.#batches[0]?.outstanding === 0) {
      this.#watermark = this.#batches[0].lastSequence;
      this.#batches.shift();
    }
  }
}
