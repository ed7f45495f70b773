/**
 * Which item was used the longest time ago. Items are offered again whenever they are used; old offers are told from
 * the last one by their tick and dropped when they come up, so that nothing has to be found in the heap.
 */
interface Offer<T> {
  readonly item: T;
  readonly tick: number;
}

/** Old offers are looked for when there are more than this, and twice as many as there were good ones last time. */
const SIZE_MIN = 1_024;

export class LeastUsed<T extends { readonly usedAt: number }> {
  readonly #isWanted: (item: T) => boolean;
  #heap: Offer<T>[] = [];
  #sizeMax = SIZE_MIN;

  /** `isWanted` says at the time of taking whether an item may still be taken. */
  constructor(isWanted: (item: T) => boolean) {
    this.#isWanted = isWanted;
  }

  offer(item: T, tick: number): void {
    this.#heap.push({ item, tick });
    this.#up(this.#heap.length - 1);
    if (this.#heap.length > this.#sizeMax) this.#dropOld();
  }

  /** The item that was used first, of those wanted; its offer is gone. */
  take(): T | undefined {
    for (let top = this.#pop(); top !== undefined; top = this.#pop()) {
      if (top.item.usedAt === top.tick && this.#isWanted(top.item)) return top.item;
    }
    return undefined;
  }

  #dropOld(): void {
    // Sorted is a heap as well.
    this.#heap = this.#heap
      .filter(({ item, tick }) => item.usedAt === tick && this.#isWanted(item))
      .sort((a, b) => a.tick - b.tick);
    this.#sizeMax = Math.max(SIZE_MIN, 2 * this.#heap.length);
  }

  #pop(): Offer<T> | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) {
      heap[0] = last;
      this.#down();
    }
    return top;
  }

  #up(from: number): void {
    let at = from;
    while (at > 0 && this.#tick(at) < this.#tick((at - 1) >> 1)) {
      this.#swap(at, (at - 1) >> 1);
      at = (at - 1) >> 1;
    }
  }

  #down(): void {
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const least = this.#tick(left + 1) < this.#tick(left) ? left + 1 : left;
      if (this.#tick(least) >= this.#tick(at)) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #tick(at: number): number {
    return this.#heap[at]?.tick ?? Infinity;
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap;
    const [first, second] = [heap[a], heap[b]];
    if (first === undefined || second === undefined) return;
    heap[a] = second;
    heap[b] = first;
  }
}
