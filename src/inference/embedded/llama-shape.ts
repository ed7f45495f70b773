/** The sizes of a Llama model and its tensors, checked against each other before memory is laid out for them. */
import { limits } from '../../base/limits.ts';
import { modelFileError } from './gguf-reader.ts';
import type { GgufFile, GgufTensor, GgufValue } from './gguf.ts';

/** What a model is made of. */
export interface LlamaShape {
  readonly layers: number;
  /** Width of the residual stream. */
  readonly width: number;
  readonly heads: number;
  /** Heads of keys and values; each serves `heads / kvHeads` of the others. */
  readonly kvHeads: number;
  readonly headWidth: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  readonly contextTokens: number;
  readonly normEpsilon: number;
  readonly ropeBase: number;
}

/** Tensors of a layer. */
export interface LlamaLayer {
  readonly attentionNorm: GgufTensor;
  readonly query: GgufTensor;
  readonly key: GgufTensor;
  readonly value: GgufTensor;
  readonly attentionOutput: GgufTensor;
  readonly feedForwardNorm: GgufTensor;
  readonly gate: GgufTensor;
  readonly up: GgufTensor;
  readonly down: GgufTensor;
}

/** A checked model. */
export interface LlamaModel {
  readonly shape: LlamaShape;
  readonly embedding: GgufTensor;
  readonly layers: readonly LlamaLayer[];
  readonly outputNorm: GgufTensor;
  /** The embedding itself where the file has no other. */
  readonly output: GgufTensor;
}

/** A word of the kernels' blocks: rows of weights are multiples of it. */
const ROW_MULTIPLE = 32;

/** The model of a file with a vocabulary of this size. @throws BridgeError BRG_MODEL_FILE */
export function readLlama(file: GgufFile, vocabulary: number): LlamaModel {
  const architecture = file.fields.get('general.architecture');
  if (architecture !== 'llama')
    throw modelFileError('general.architecture', `is ${String(architecture).slice(0, 60)}; llama is known`);
  const shape = readShape(file, vocabulary);
  for (const name of ['llama.expert_count', 'llama.rope.scaling.factor'])
    if ((file.fields.get(name) ?? 0) !== 0) throw modelFileError(name, 'is set, and not known here');
  for (const name of file.tensors.keys())
    if (/^rope_freqs|\.bias$/.test(name)) throw modelFileError(name, 'is there, and not known here');
  const { width, heads, kvHeads, headWidth, feedForward } = shape;
  const matrix = (name: string, columns: number, rows: number): GgufTensor =>
    tensor(file, name, [columns, rows]);
  const vector = (name: string): GgufTensor => tensor(file, name, [width]);
  const layers = Array.from({ length: shape.layers }, (_, index): LlamaLayer => {
    const of = (name: string): string => `blk.${index}.${name}.weight`;
    return {
      attentionNorm: vector(of('attn_norm')),
      query: matrix(of('attn_q'), width, heads * headWidth),
      key: matrix(of('attn_k'), width, kvHeads * headWidth),
      value: matrix(of('attn_v'), width, kvHeads * headWidth),
      attentionOutput: matrix(of('attn_output'), heads * headWidth, width),
      feedForwardNorm: vector(of('ffn_norm')),
      gate: matrix(of('ffn_gate'), width, feedForward),
      up: matrix(of('ffn_up'), width, feedForward),
      down: matrix(of('ffn_down'), feedForward, width),
    };
  });
  const embedding = matrix('token_embd.weight', width, vocabulary);
  const output = file.tensors.has('output.weight') ? matrix('output.weight', width, vocabulary) : embedding;
  return { shape, embedding, layers, outputNorm: vector('output_norm.weight'), output };
}

function readShape({ fields }: GgufFile, vocabulary: number): LlamaShape {
  const whole = (name: string, max: number, fallback?: number): number => {
    const field = `llama.${name}`;
    const value = fields.get(field) ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > max)
      throw modelFileError(field, `is ${shown(value)}, no whole number from 1 to ${max}`);
    return value;
  };
  const real = (name: string, max: number, fallback?: number): number => {
    const field = `llama.${name}`;
    const value = fields.get(field) ?? fallback;
    if (typeof value !== 'number' || !(value > 0 && value <= max))
      throw modelFileError(field, `is ${shown(value)}, no number above 0 up to ${max}`);
    return value;
  };
  const width = whole('embedding_length', 16_384);
  const heads = whole('attention.head_count', 256);
  const kvHeads = whole('attention.head_count_kv', heads, heads);
  const headWidth = whole('attention.key_length', 256, width / heads);
  const feedForward = whole('feed_forward_length', 65_536);
  if (width % ROW_MULTIPLE !== 0)
    throw modelFileError('llama.embedding_length', `is ${width}, no multiple of ${ROW_MULTIPLE}`);
  if (feedForward % ROW_MULTIPLE !== 0)
    throw modelFileError('llama.feed_forward_length', `is ${feedForward}, no multiple of ${ROW_MULTIPLE}`);
  if (heads % kvHeads !== 0)
    throw modelFileError('llama.attention.head_count_kv', `is ${kvHeads}, no divisor of ${heads} heads`);
  if (headWidth % 16 !== 0 || (heads * headWidth) % ROW_MULTIPLE !== 0)
    throw modelFileError('llama.attention.key_length', `makes heads of ${headWidth}, no multiple of 16`);
  for (const name of ['rope.dimension_count', 'attention.value_length'])
    if (whole(name, 256, headWidth) !== headWidth)
      throw modelFileError(`llama.${name}`, `is not ${headWidth}, the width of a head`);
  return {
    layers: whole('block_count', 256),
    width,
    heads,
    kvHeads,
    headWidth,
    feedForward,
    vocabulary,
    contextTokens: Math.min(whole('context_length', 2 ** 31), limits.modelContextTokensMax),
    normEpsilon: real('attention.layer_norm_rms_epsilon', 1),
    ropeBase: real('rope.freq_base', 1e12, 10_000),
  };
}

function tensor({ tensors }: GgufFile, name: string, dimensions: readonly number[]): GgufTensor {
  const found = tensors.get(name);
  if (found === undefined) throw modelFileError(name, 'is not there');
  if (found.dimensions.join() !== dimensions.join())
    throw modelFileError(
      name,
      `is of ${found.dimensions.join(' x ')} weights, not of ${dimensions.join(' x ')}`,
    );
  return found;
}

function shown(value: GgufValue | undefined): string {
  return value === undefined ? 'not there' : String(value).slice(0, 60);
}
