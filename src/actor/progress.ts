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
    let watermark = this.#watermark;
    for (const { lastSequence, outstanding } of this.#batches) {
      if (outstanding > 0) break;
      watermark = lastSequence;
    }
    return watermark;
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

  /** A message below the watermark that may have to be applied once more; it does not move the watermark. */
  addPast(sequence: number): BatchProgress {
    this.#outstanding++;
    return { lastSequence: sequence, outstanding: 1 };
  }

  /** These were applied, as far as it goes: `settle` makes it final, `reopen` takes it back. */
  complete(progress: BatchProgress, count: number): void {
    progress.outstanding -= count;
    this.#outstanding -= count;
  }

  /** Their commit failed: they are still to be committed. */
  reopen(progress: BatchProgress, count: number): void {
    this.complete(progress, -count);
  }

  /** What is complete is committed: forgets batches that are done. */
  settle(): void {
    this.#watermark = this.watermark;
    while (this.#batches[0]?.outstanding === 0) this.#batches.shift();
  }
}
