/** The blocks of runs: found in the prefix cache when a run begins, added as it grows, published when they are full. */
import type { BlockPool } from './block-pool.ts';
import type { Engine } from './engine.ts';
import type { Run } from './run.ts';

/** A sequence of its own that begins as a run does, for one step. */
export interface Fork {
  readonly table: number[];
  /** Of those, the ones only it has. */
  readonly own: readonly number[];
}

export class RunMemory {
  readonly #pool: BlockPool;
  readonly #engine: Engine;

  constructor(pool: BlockPool, engine: Engine) {
    this.#pool = pool;
    this.#engine = engine;
  }

  /** Blocks that `tokens` tokens take. */
  blocksOf(tokens: number): number {
    return Math.ceil(tokens / this.#pool.blockTokens);
  }

  /** Takes what is cached of its tokens. The last one is always read again: only that tells what comes next. */
  begin(run: Run): void {
    const { node, blocks, tail } = this.#pool.match(run.tokens.slice(0, -1), run.agent);
    run.node = node;
    run.blocks = blocks;
    run.published = blocks.length;
    run.computed = blocks.length * this.#pool.blockTokens;
    const own = tail === undefined ? undefined : this.#pool.allocate();
    if (own !== undefined && tail !== undefined) {
      // Even if making room has evicted the tail: its memory is not written before the next step.
      if (own !== tail.block) this.#engine.copyBlock(tail.block, own);
      run.blocks.push(own);
      run.computed += tail.tokens;
    }
    run.cachedTokens ??= Math.min(run.computed, run.promptTokens);
  }

  /** Sees to blocks for `count` tokens more; whether there were enough. What was got stays. */
  grow(run: Run, count: number): boolean {
    const wanted = this.blocksOf(run.computed + count);
    while (run.blocks.length < wanted) {
      const block = this.#pool.allocate();
      if (block === undefined) return false;
      run.blocks.push(block);
    }
    return true;
  }

  /** Makes the blocks findable that are full now. */
  publish(run: Run): void {
    const { blockTokens } = this.#pool;
    while ((run.published + 1) * blockTokens <= run.computed) {
      const block = run.blocks[run.published] ?? 0;
      const at = run.published * blockTokens;
      const tokens = Int32Array.from(run.tokens.slice(at, at + blockTokens));
      run.node = this.#pool.publish(run.node, tokens, block, run.agent);
      if (run.node.block !== block) {
        // Another run has read the same at the same time; one copy is enough.
        this.#pool.retain(run.node.block);
        this.#pool.release(block);
        run.blocks[run.published] = run.node.block;
      }
      run.published++;
    }
  }

  /** Gives everything back. */
  release(run: Run): void {
    // The end of a prompt is the first to be evicted: released first, it is the one unused for longer.
    for (const block of run.blocks.toReversed()) this.#pool.release(block);
    run.blocks = [];
    run.node = undefined;
    run.published = 0;
    run.computed = 0;
  }

  /** A sequence that goes on after what `run` has read with `count` tokens; undefined when blocks are missing. */
  fork(run: Run, count: number): Fork | undefined {
    const { blockTokens } = this.#pool;
    const shared = run.blocks.slice(0, Math.floor(run.computed / blockTokens));
    const own: number[] = [];
    const wanted = this.blocksOf(run.computed + count) - shared.length;
    while (own.length < wanted) {
      const block = this.#pool.allocate();
      if (block === undefined) {
        this.drop({ table: [], own });
        return undefined;
      }
      own.push(block);
    }
    const tail = run.blocks[shared.length];
    const [first] = own;
    if (tail !== undefined && first !== undefined && run.computed % blockTokens > 0)
      this.#engine.copyBlock(tail, first);
    return { table: [...shared, ...own], own };
  }

  drop({ own }: Fork): void {
    for (const block of own) this.#pool.release(block);
  }
}
