/** Small Llama models of random weights: the same bytes for the same seed, on every machine. */
import { byteVocabulary } from '../../src/inference/embedded/byte-vocabulary.ts';
import type { TensorType } from '../../src/inference/embedded/gguf.ts';
import { writeGguf, type GgufField, type GgufWeights } from '../../src/inference/embedded/gguf-writer.ts';

export interface RandomModelOptions {
  readonly seed?: number;
  readonly type?: TensorType;
  readonly layers?: number;
  readonly width?: number;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly feedForward?: number;
  readonly contextTokens?: number;
  /** Whether the output has weights of its own. */
  readonly isUntied?: boolean;
  readonly fields?: Readonly<Record<string, GgufField>>;
}

const SPECIALS = Array.from({ length: 32 }, (_, index) => `<|${index}|>`);
const VOCABULARY = 256 + SPECIALS.length;

/** A GGUF file; by default of 100,000 weights. */
export function randomModel(options: RandomModelOptions = {}): Uint8Array {
  const { seed = 1, type = 'q8_0', layers = 2, width = 64, heads = 4, kvHeads = 2 } = options;
  const { feedForward = 160, contextTokens = 256, isUntied = false } = options;
  const headWidth = width / heads;
  const draw = normals(seed);
  const matrix = (name: string, columns: number, rows: number, scale = columns ** -0.5): GgufWeights => ({
    name: `${name}.weight`,
    type,
    dimensions: [columns, rows],
    weights: Float32Array.from({ length: columns * rows }, () => draw() * scale),
  });
  const norm = (name: string): GgufWeights => ({
    name: `${name}.weight`,
    type: 'f32',
    dimensions: [width],
    weights: Float32Array.from({ length: width }, () => 1 + 0.1 * draw()),
  });
  const tensors = [
    matrix('token_embd', width, VOCABULARY, 1),
    ...Array.from({ length: layers }, (_, index) => `blk.${index}`).flatMap((layer) => [
      norm(`${layer}.attn_norm`),
      matrix(`${layer}.attn_q`, width, width, 2 * width ** -0.5),
      matrix(`${layer}.attn_k`, width, kvHeads * headWidth, 2 * width ** -0.5),
      matrix(`${layer}.attn_v`, width, kvHeads * headWidth),
      matrix(`${layer}.attn_output`, width, width),
      norm(`${layer}.ffn_norm`),
      matrix(`${layer}.ffn_gate`, width, feedForward),
      matrix(`${layer}.ffn_up`, width, feedForward),
      matrix(`${layer}.ffn_down`, feedForward, width),
    ]),
    norm('output_norm'),
    ...(isUntied ? [matrix('output', width, VOCABULARY)] : []),
  ];
  const fields = {
    'general.architecture': 'llama',
    'general.name': 'random',
    'llama.context_length': { u32: contextTokens },
    'llama.embedding_length': { u32: width },
    'llama.block_count': { u32: layers },
    'llama.feed_forward_length': { u32: feedForward },
    'llama.attention.head_count': { u32: heads },
    'llama.attention.head_count_kv': { u32: kvHeads },
    'llama.attention.layer_norm_rms_epsilon': { f32: 1e-5 },
    'llama.rope.dimension_count': { u32: headWidth },
    'llama.rope.freq_base': { f32: 10_000 },
    ...byteVocabulary(SPECIALS),
    ...options.fields,
  };
  return writeGguf(fields, tensors);
}

/** Numbers about normally distributed: mulberry32, and sums of four. */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => (uniform() + uniform() + uniform() + uniform() - 2) * 1.7320508;
}
