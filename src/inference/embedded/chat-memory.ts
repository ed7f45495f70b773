/**
 * The key-value memory of an agent outlives its sleep: what follows the shared beginning of its last prompt goes to
 * the agent's own file, when reading it back costs less than computing it again.
 *
 * I1 What is restored belongs to this model and format, and to exactly these tokens: both are in the blob, and compared.
 * I2 Shared blocks are never in a blob: they are one agent's memory no more than another's.
 */
import { createHash } from 'node:crypto';
import { BridgeError } from '../../base/errors.ts';
import { forgetOldest } from '../../base/forget-oldest.ts';
import { limits } from '../../base/limits.ts';
import type { BlockPool, PrefixNode } from './block-pool.ts';
import type { Engine } from './engine.ts';
import type { EngineCounters } from './engine-counters.ts';
import type { Run } from './run.ts';

/** What an agent keeps of its prompt. */
export interface KvBlob {
  readonly version: 1;
  /** Of model and format. */
  readonly fingerprint: string;
  /** Tokens before the blocks, and a hash of them. */
  readonly prefixTokens: number;
  readonly prefixHash: string;
  /** Tokens of the blocks. */
  readonly tokens: Int32Array;
  readonly bytes: Uint8Array;
}

export class ChatMemory {
  readonly #engine: Engine;
  readonly #pool: BlockPool;
  readonly #counters: EngineCounters;
  /** The end of what was read last for each agent. */
  readonly #last = new Map<string, PrefixNode>();

  constructor(engine: Engine, pool: BlockPool, counters: EngineCounters) {
    this.#engine = engine;
    this.#pool = pool;
    this.#counters = counters;
  }

  /** Remembers what `run` has read. */
  note({ agent, node }: Run): void {
    this.#last.delete(agent);
    if (node === undefined) return;
    this.#last.set(agent, node);
    if (this.#last.size <= this.#pool.blocks) return;
    forgetOldest(this.#last);
  }

  /** What the agent should keep; undefined when there is nothing, or computing it again is cheaper. */
  save(agent: string): KvBlob | undefined {
    const last = this.#last.get(agent);
    if (last === undefined || !this.#pool.has(last)) return undefined;
    const own: PrefixNode[] = [];
    let node: PrefixNode | undefined = last;
    for (; node !== undefined && node.owner === agent; node = node.parent) own.unshift(node);
    const { storedBytesPerToken, fingerprint, blockTokens } = this.#engine.info;
    const count = own.length * blockTokens;
    if (count < limits.engineKvTokensMin || count * storedBytesPerToken > limits.engineKvBytesMax)
      return undefined;
    const prefix = tokensTo(node);
    this.#counters.saved++;
    return {
      version: 1,
      fingerprint,
      prefixTokens: prefix.length,
      prefixHash: hashOf(prefix),
      tokens: tokensTo(last).subarray(prefix.length),
      bytes: this.#engine.readBlocks(Int32Array.from(own, ({ block }) => block)),
    };
  }

  /**
   * Puts a blob back into the cache for `agent`, whose next prompt begins with `prompt`; whether it was of use. One
   * that does not fit is dropped, whatever the reason: computing is always right.
   */
  restore(agent: string, blob: KvBlob, prompt: Int32Array): boolean {
    // Its blocks are still there: nothing to write.
    const wholeTokens = blob.prefixTokens + blob.tokens.length;
    if (this.#pool.peek(prompt.subarray(0, wholeTokens)) >= wholeTokens) return true;
    const isRestored = this.#fits(blob, prompt) && this.#write(agent, blob, prompt);
    if (isRestored) this.#counters.restored++;
    else this.#counters.dropped++;
    return isRestored;
  }

  #fits(
    { version, fingerprint, prefixTokens, prefixHash, tokens, bytes }: KvBlob,
    prompt: Int32Array,
  ): boolean {
    const { info } = this.#engine;
    const isWhole = prefixTokens % info.blockTokens === 0 && tokens.length % info.blockTokens === 0;
    return (
      version === 1 &&
      fingerprint === info.fingerprint &&
      isWhole &&
      tokens.length > 0 &&
      bytes.length === tokens.length * info.storedBytesPerToken &&
      prompt.length > prefixTokens &&
      hashOf(prompt.subarray(0, prefixTokens)) === prefixHash
    );
  }

  /** As many blocks as the prompt still begins with; none when what stands before them is not cached. */
  #write(agent: string, { prefixTokens, tokens, bytes }: KvBlob, prompt: Int32Array): boolean {
    const { blockTokens, storedBytesPerToken } = this.#engine.info;
    const before = this.#pool.match(prompt.subarray(0, prefixTokens), agent);
    const taken = [...before.blocks];
    let { node } = before;
    let at = 0;
    try {
      const isThere = (node?.length ?? 0) === prefixTokens;
      while (isThere && isSame(tokens, at, prompt, prefixTokens + at, blockTokens)) {
        const block = this.#pool.allocate();
        if (block === undefined) break;
        taken.push(block);
        const from = at * storedBytesPerToken;
        const part = bytes.subarray(from, from + blockTokens * storedBytesPerToken);
        this.#engine.writeBlocks(Int32Array.of(block), part);
        node = this.#pool.publish(node, tokens.slice(at, at + blockTokens), block, agent);
        at += blockTokens;
      }
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      // The engine does not know the bytes: what was written before them is sound.
    } finally {
      // Longest unused is what was released first: the end.
      for (const block of taken.toReversed()) this.#pool.release(block);
    }
    return at > 0;
  }
}

function tokensTo(last: PrefixNode | undefined): Int32Array {
  const tokens = new Int32Array(last?.length ?? 0);
  for (let node = last; node !== undefined; node = node.parent)
    tokens.set(node.tokens, node.length - node.tokens.length);
  return tokens;
}

function hashOf(tokens: Int32Array): string {
  const bytes = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
  return createHash('sha256').update(bytes).digest('base64');
}

function isSame(a: Int32Array, atA: number, b: Int32Array, atB: number, count: number): boolean {
  if (atA + count > a.length || atB + count > b.length) return false;
  for (let index = 0; index < count; index++) if (a[atA + index] !== b[atB + index]) return false;
  return true;
}
