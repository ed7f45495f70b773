/** Finds the next due job among many: two heaps, with entries that were replaced left in them for a while. */

interface Entry {
  readonly id: string;
  readonly atMs: number;
  readonly order: number;
  /** Breaks ties: first set, first out. */
  readonly number: number;
}

export class DueIndex {
  readonly #entries = new Map<string, Entry>();
  /** Not due when last looked at, earliest first. */
  #later = new Heap<Entry>((a, b) => a.atMs - b.atMs);
  /** Due, in the order in which they are to run. */
  #due = new Heap<Entry>((a, b) => a.order - b.order || a.number - b.number);
  #numbers = 0;

  /** `id` is due at `atMs`; among those that are due, a lower `order` comes first. */
  set(id: string, atMs: number, order: number): void {
    const entry: Entry = { id, atMs, order, number: this.#numbers++ };
    this.#entries.set(id, entry);
    this.#later.push(entry);
    this.#tidy();
  }

  delete(id: string): void {
    this.#entries.delete(id);
  }

  /** Which one is to run at `nowMs`. */
  next(nowMs: number): string | undefined {
    for (;;) {
      const entry = this.#top(this.#later);
      if (entry === undefined || entry.atMs > nowMs) break;
      this.#later.pop();
      this.#due.push(entry);
    }
    return this.#top(this.#due)?.id;
  }

  /** When `next` finds something, ms since epoch. */
  nextMs(): number | null {
    const times = [this.#top(this.#due)?.atMs, this.#top(this.#later)?.atMs].filter((ms) => ms !== undefined);
    return times.length === 0 ? null : Math.min(...times);
  }

  #top(heap: Heap<Entry>): Entry | undefined {
    for (;;) {
      const entry = heap.top;
      if (entry === undefined || this.#entries.get(entry.id) === entry) return entry;
      heap.pop();
    }
  }

  /** Replaced entries never outnumber the live ones by much. */
  #tidy(): void {
    if (this.#later.length + this.#due.length < 2 * this.#entries.size + 64) return;
    this.#later = new Heap(this.#later.compare);
    this.#due = new Heap(this.#due.compare);
    for (const entry of this.#entries.values()) this.#later.push(entry);
  }
}

class Heap<T> {
  readonly compare: (a: T, b: T) => number;
  readonly #items: T[] = [];

  constructor(compare: (a: T, b: T) => number) {
    this.compare = compare;
  }

  get length(): number {
    return this.#items.length;
  }

  get top(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    let at = this.#items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): void {
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return;
    this.#items[0] = last;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      let first = at;
      if (this.#isBefore(left, first)) first = left;
      if (this.#isBefore(left + 1, first)) first = left + 1;
      if (first === at) break;
      this.#swap(at, first);
      at = first;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [first, second] = [this.#items[a], this.#items[b]];
    return first !== undefined && second !== undefined && this.compare(first, second) < 0;
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#items[a], this.#items[b]];
    if (first === undefined || second === undefined) return;
    this.#items[a] = second;
    this.#items[b] = first;
  }
}
