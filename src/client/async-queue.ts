/** Values that come by themselves, for one `for await` loop. */

/** Ends with `end`, or when the loop is left; throws in the loop after `fail` or when it lags behind too far. */
export class AsyncQueue<T> implements AsyncIterableIterator<T> {
  readonly #values: T[] = [];
  readonly #valuesMax: number;
  readonly #lagging: () => Error;
  readonly #left: () => void;
  #waiting: PromiseWithResolvers<IteratorResult<T>> | null = null;
  #end:
    | { readonly kind: 'open' }
    | { readonly kind: 'ended' }
    | { readonly kind: 'failed'; readonly error: Error } = { kind: 'open' };

  /** `left` is called once, when nobody will take values any more; `lagging` makes the error of a slow loop. */
  constructor(valuesMax: number, lagging: () => Error, left: () => void) {
    this.#valuesMax = valuesMax;
    this.#lagging = lagging;
    this.#left = left;
  }

  push(value: T): void {
    if (this.#end.kind !== 'open') return;
    if (this.#waiting !== null) {
      this.#waiting.resolve({ value, done: false });
      this.#waiting = null;
    } else if (this.#values.length >= this.#valuesMax) {
      this.fail(this.#lagging());
    } else {
      this.#values.push(value);
    }
  }

  end(): void {
    if (this.#end.kind !== 'open') return;
    this.#end = { kind: 'ended' };
    this.#waiting?.resolve({ value: undefined, done: true });
    this.#left();
  }

  fail(error: Error): void {
    if (this.#end.kind !== 'open') return;
    this.#end = { kind: 'failed', error };
    if (this.#waiting !== null) {
      this.#end = { kind: 'ended' };
      this.#waiting.reject(error);
    }
    this.#left();
  }

  next(): Promise<IteratorResult<T>> {
    for (const value of this.#values.splice(0, 1)) return Promise.resolve({ value, done: false });
    switch (this.#end.kind) {
      case 'open':
        this.#waiting ??= Promise.withResolvers();
        return this.#waiting.promise;
      case 'ended':
        return Promise.resolve({ value: undefined, done: true });
      case 'failed': {
        const { error } = this.#end;
        this.#end = { kind: 'ended' };
        return Promise.reject(error);
      }
    }
  }

  return(): Promise<IteratorResult<T>> {
    this.#values.length = 0;
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
