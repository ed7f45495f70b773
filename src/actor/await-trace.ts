/**
 * Where a turn waits: while it is traced, the stack of everything asynchronous it begins is kept until that
 * has come to its end. What is left at the deadline is what it waits for, the last of it in front.
 *
 * It costs a stack trace for each promise of the traced turn, so only a turn that was over its deadline
 * before is traced.
 */
import { AsyncLocalStorage, createHook, type AsyncHook } from 'node:async_hooks';
import { limits } from '../base/limits.ts';

/** `node:` internals and our own rooms say nothing to an author. */
const OWN = new URL('..', import.meta.url).href;

const traced = new AsyncLocalStorage<AwaitTrace>();

export class AwaitTrace {
  readonly #stacks = new Map<number, string>();
  readonly #hook: AsyncHook;
  readonly #open: Set<AwaitTrace>;

  /** @param open holds it while it costs something */
  constructor(open: Set<AwaitTrace>) {
    this.#open = open;
    const forget = (id: number): void => void this.#stacks.delete(id);
    this.#hook = createHook({
      init: (id) => {
        if (traced.getStore() !== this || this.#stacks.size >= limits.traceStacksMax) return;
        const stack = authorsFrames(new Error('here').stack ?? '');
        if (stack !== '') this.#stacks.set(id, stack);
      },
      promiseResolve: forget,
      destroy: forget,
    });
  }

  run<T>(turn: () => T): T {
    this.#open.add(this);
    this.#hook.enable();
    return traced.run(this, turn);
  }

  /** The stacks of what has not ended, without repetitions; empty when none shows an author's code. */
  pending(): string {
    const stacks = [...new Set([...this.#stacks.values()].reverse())];
    return stacks.slice(0, limits.traceStacksShown).join('\n  begun before that:\n');
  }

  end(): void {
    this.#open.delete(this);
    this.#hook.disable();
    this.#stacks.clear();
  }
}

/** The lines of a stack outside of Node and of this program. */
function authorsFrames(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line) && isAuthors(line))
    .join('\n');
}

function isAuthors(line: string): boolean {
  return line.includes('file:') || /[(\s]\/|[(\s][A-Za-z]:\\/.test(line)
    ? !line.includes('node:') &&
        !line.includes(OWN) &&
        !line.includes(decodeURIComponent(new URL(OWN).pathname))
    : false;
}
