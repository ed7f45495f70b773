/**
 * Who uses which block of the engine's key-value memory, and what may be found again in them.
 *
 * A full block is published under its node: the node before it and the tokens of the block. The chain of nodes is
 * compared exactly, token by token, never by a hash alone: no collision can hand one agent another's memory.
 *
 * I1 A block is free, or has references, or is published; a published one without references is cached.
 * I2 A published block is never written: who wants to go on within one copies it (copy-on-write of the tail).
 * I3 A node has all its ancestors: only leaves are evicted that nobody references, the longest unused first.
 */
import { assert } from '../../base/errors.ts';
import { LeastUsed } from './least-used.ts';

/** A published block: what follows `parent` when its tokens are read. */
export interface PrefixNode {
  readonly parent: PrefixNode | undefined;
  readonly block: number;
  readonly tokens: Int32Array;
  /** Tokens from the beginning of the prompt to the end of this block. */
  readonly length: number;
  /** Published blocks that follow this one, by their tokens. */
  readonly children: Map<string, PrefixNode>;
  readonly key: string;
  /** Who wrote it; undefined when a second agent found it: then it is shared. */
  owner: string | undefined;
  usedAt: number;
}

/** The cached beginning of a prompt; its blocks are referenced for whoever asked. */
export interface PrefixMatch {
  readonly node: PrefixNode | undefined;
  readonly blocks: number[];
  /** A block that begins as the rest of the prompt does, for `tokens` tokens: to be copied, not to be written. */
  readonly tail: { readonly block: number; readonly tokens: number } | undefined;
}

/** Children looked at for a tail: the last ones are the likeliest, and a prompt has thousands. */
const TAILS_MAX = 8;
/** Tokens a tail must save: fewer are read again as fast as a block is copied. */
const TAIL_TOKENS_MIN = 4;

export class BlockPool {
  readonly blockTokens: number;
  readonly #references: Int32Array;
  readonly #free: number[];
  readonly #nodes: (PrefixNode | undefined)[];
  readonly #roots = new Map<string, PrefixNode>();
  readonly #evictable = new LeastUsed<PrefixNode>((node) => this.#isEvictable(node));
  #cached = 0;
  #tick = 0;

  constructor(blocks: number, blockTokens: number) {
    this.blockTokens = blockTokens;
    this.#references = new Int32Array(blocks);
    this.#nodes = Array.from({ length: blocks }, () => undefined);
    this.#free = Array.from({ length: blocks }, (_, index) => blocks - 1 - index);
  }

  get blocks(): number {
    return this.#references.length;
  }

  /** Blocks nobody uses, nor could find again. */
  get free(): number {
    return this.#free.length;
  }

  /** Blocks nobody uses that hold the beginning of some prompt: each can be had when its descendants are evicted. */
  get cached(): number {
    return this.#cached;
  }

  /** A block of one's own, with one reference; undefined when all are in use. */
  allocate(): number | undefined {
    const block = this.#free.pop() ?? this.#evict();
    if (block !== undefined) this.#references[block] = 1;
    return block;
  }

  retain(block: number): void {
    const before = this.#references[block] ?? 0;
    assert(before > 0 || this.#nodes[block] !== undefined, 'only a used or published block is retained');
    if (before === 0) this.#cached--;
    this.#references[block] = before + 1;
  }

  release(block: number): void {
    const left = (this.#references[block] ?? 0) - 1;
    assert(left >= 0, 'a block is released as often as it was retained');
    this.#references[block] = left;
    if (left > 0) return;
    const node = this.#nodes[block];
    if (node === undefined) this.#free.push(block);
    else {
      this.#cached++;
      this.#touch(node);
    }
  }

  /** How many of the first tokens are cached, in whole blocks; takes nothing. */
  peek(tokens: ArrayLike<number>): number {
    let node: PrefixNode | undefined;
    for (let at = 0; at + this.blockTokens <= tokens.length; at += this.blockTokens) {
      const next = this.#childrenOf(node).get(keyOf(tokens, at, this.blockTokens));
      if (next === undefined) return at;
      node = next;
    }
    return node?.length ?? 0;
  }

  /** What is cached of `tokens`; references its whole blocks for `owner`. The tail is a hint, not referenced. */
  match(tokens: ArrayLike<number>, owner: string): PrefixMatch {
    const blocks: number[] = [];
    let node: PrefixNode | undefined;
    for (let at = 0; at + this.blockTokens <= tokens.length; at += this.blockTokens) {
      const next = this.#childrenOf(node).get(keyOf(tokens, at, this.blockTokens));
      if (next === undefined) break;
      this.retain(next.block);
      if (next.owner !== owner) next.owner = undefined;
      blocks.push(next.block);
      node = next;
    }
    return { node, blocks, tail: this.#tailOf(node, tokens) };
  }

  /**
   * Makes a full block, referenced by the caller, findable. When another one with the same tokens is published
   * already, that one stays: the answer is its node, and the caller goes on with either.
   */
  publish(parent: PrefixNode | undefined, tokens: Int32Array, block: number, owner: string): PrefixNode {
    assert(tokens.length === this.blockTokens, 'only full blocks are published');
    assert((this.#references[block] ?? 0) > 0, 'who publishes a block has it');
    const children = this.#childrenOf(parent);
    const key = keyOf(tokens, 0, tokens.length);
    const known = children.get(key);
    if (known !== undefined) return known;
    const node: PrefixNode = {
      parent,
      block,
      tokens,
      length: (parent?.length ?? 0) + tokens.length,
      children: new Map(),
      key,
      owner,
      usedAt: ++this.#tick,
    };
    children.set(key, node);
    this.#nodes[block] = node;
    return node;
  }

  /** Whether `node` can still be found. */
  has(node: PrefixNode): boolean {
    return this.#nodes[node.block] === node;
  }

  /** References of all blocks: 0 when nobody works. For metrics and tests. */
  get used(): number {
    return this.blocks - this.#free.length - this.#cached;
  }

  #childrenOf(node: PrefixNode | undefined): Map<string, PrefixNode> {
    return node === undefined ? this.#roots : node.children;
  }

  #tailOf(node: PrefixNode | undefined, tokens: ArrayLike<number>): PrefixMatch['tail'] {
    const at = node?.length ?? 0;
    let best: PrefixMatch['tail'];
    const newest = [...this.#childrenOf(node).values()].slice(-TAILS_MAX);
    for (const child of newest) {
      const same = sameTokens(child.tokens, tokens, at);
      if (same >= TAIL_TOKENS_MIN && same > (best?.tokens ?? 0)) best = { block: child.block, tokens: same };
    }
    return best;
  }

  /** Takes the block of the leaf that nobody used for the longest time. */
  #evict(): number | undefined {
    const node = this.#evictable.take();
    if (node === undefined) return undefined;
    this.#childrenOf(node.parent).delete(node.key);
    this.#nodes[node.block] = undefined;
    this.#cached--;
    if (node.parent !== undefined) this.#offer(node.parent);
    return node.block;
  }

  #touch(node: PrefixNode): void {
    node.usedAt = ++this.#tick;
    this.#offer(node);
  }

  #offer(node: PrefixNode): void {
    if (this.#isEvictable(node)) this.#evictable.offer(node, node.usedAt);
  }

  #isEvictable(node: PrefixNode): boolean {
    const isUnused = this.has(node) && this.#references[node.block] === 0;
    return isUnused && node.children.size === 0;
  }
}

function keyOf(tokens: ArrayLike<number>, at: number, count: number): string {
  // Characters of 16 bits: a string of 32 is compared and hashed as fast as a number array cannot be.
  let key = '';
  for (let index = at; index < at + count; index++) {
    const token = tokens[index] ?? 0;
    key += String.fromCharCode(token & 0xffff, token >>> 16);
  }
  return key;
}

function sameTokens(cached: Int32Array, tokens: ArrayLike<number>, at: number): number {
  let same = 0;
  while (same < cached.length && at + same < tokens.length && cached[same] === tokens[at + same]) same++;
  return same;
}
