import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockPool, type PrefixNode } from '../../../src/inference/embedded/block-pool.ts';

const tokens = (from: number, count = 16): Int32Array =>
  Int32Array.from({ length: count }, (_, index) => from + index);

/** Reads `prompt` as a run would: takes what is cached, publishes the rest, gives all back. */
function read(pool: BlockPool, prompt: Int32Array, owner = 'a'): { cached: number; blocks: number[] } {
  const match = pool.match(prompt, owner);
  const blocks = [...match.blocks];
  let node: PrefixNode | undefined = match.node;
  for (let at = blocks.length * 16; at + 16 <= prompt.length; at += 16) {
    const block = pool.allocate();
    if (block === undefined) break;
    blocks.push(block);
    node = pool.publish(node, prompt.slice(at, at + 16), block, owner);
  }
  for (const block of blocks.toReversed()) pool.release(block);
  return { cached: match.blocks.length * 16, blocks };
}

describe('the pool of blocks', () => {
  it('finds the beginning of a prompt again, and nothing that only looks like it', () => {
    const pool = new BlockPool(8, 16);
    read(pool, tokens(0, 48));
    expect(pool.peek(tokens(0, 64))).toBe(48);
    expect(pool.peek(Int32Array.from([...tokens(0, 16), ...tokens(99, 16)]))).toBe(16);
    // The second block of the other prompt, but not after the first.
    expect(pool.peek(tokens(16, 16))).toBe(0);
    expect([pool.used, pool.cached, pool.free]).toEqual([0, 3, 5]);
  });

  it('evicts the end of what was unused for the longest time, and its beginning after that', () => {
    const pool = new BlockPool(4, 16);
    read(pool, tokens(0, 32));
    read(pool, tokens(1000, 32));
    read(pool, tokens(0, 32));
    const [first, second] = [pool.allocate(), pool.allocate()];
    expect([pool.peek(tokens(0, 32)), pool.peek(tokens(1000, 32))]).toEqual([32, 0]);
    pool.allocate();
    expect(pool.peek(tokens(0, 32))).toBe(16);
    pool.allocate();
    expect([pool.allocate(), first === second]).toEqual([undefined, false]);
  });

  it('never evicts what is referenced, nor what stands before it', () => {
    const pool = new BlockPool(3, 16);
    read(pool, tokens(0, 48));
    const held = pool.match(tokens(0, 32), 'b');
    expect(pool.allocate()).toBeDefined();
    expect([pool.allocate(), pool.peek(tokens(0, 48))]).toEqual([undefined, 32]);
    for (const block of held.blocks) pool.release(block);
    expect(pool.allocate()).toBeDefined();
  });

  it('offers the longest beginning of the next block as a tail to copy', () => {
    const pool = new BlockPool(8, 16);
    read(pool, Int32Array.from([...tokens(0, 16), ...tokens(50, 16)]));
    read(pool, Int32Array.from([...tokens(0, 16), ...tokens(50, 10), ...tokens(500, 6)]));
    const asked = pool.match([...tokens(0, 16), ...tokens(50, 10), ...tokens(500, 3), 1, 2, 3], 'a');
    expect(asked.tail?.tokens).toBe(13);
    expect(pool.match([...tokens(0, 16), ...tokens(50, 3), 1, 2, 3], 'a').tail).toBeUndefined();
  });

  it('says of a block that a second agent found it', () => {
    const pool = new BlockPool(8, 16);
    read(pool, tokens(0, 32), 'a');
    expect(pool.match(tokens(0, 32), 'a').node?.owner).toBe('a');
    expect(pool.match(tokens(0, 16), 'b').node?.owner).toBeUndefined();
    expect(pool.match(tokens(0, 32), 'a').node?.owner).toBe('a');
  });

  it('has every block free, cached or used, whatever was read in whatever order', () => {
    const prompt = fc.tuple(
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 0, max: 2 }),
    );
    fc.assert(
      fc.property(fc.array(prompt, { maxLength: 60 }), (prompts) => {
        const pool = new BlockPool(9, 16);
        for (const [start, blocks, end] of prompts) {
          const text = Int32Array.from([...tokens(start * 100, blocks * 16), ...tokens(end, 16)]);
          read(pool, text, `agent${end}`);
          expect(pool.used).toBe(0);
          expect(pool.free + pool.cached).toBe(9);
          expect(pool.peek(text)).toBeLessThanOrEqual(text.length);
        }
        const taken = Array.from({ length: 9 }, () => pool.allocate());
        expect(new Set(taken).size).toBe(9);
        expect(pool.allocate()).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });
});
