/**
 * Where everything lies in the memory of an engine, laid out once when it is opened:
 *
 *   64 KiB for the kernels' constants | weights | angles | tables and scratch | KV blocks
 *
 * While weights are packed, those of one tensor lie where the KV blocks will be.
 */
import { limits } from '../../base/limits.ts';
import { modelFileError } from './gguf-reader.ts';
import type { LlamaModel, LlamaShape } from './llama-shape.ts';

export const BLOCK_TOKENS = 16;
/** Logits that are in memory at a time. */
export const LOGIT_ROWS = 16;

const PAGE_BYTES = 65_536;
/** Bytes of 8 rows x 32 columns of int8 weights with their sums and factors (kernels/matrix-int8.ts). */
const INT8_GROUP_BYTES = 320;

/** `int8`: 8-bit weights, 7-bit activations. `f32`: weights as the file has them, exact arithmetic, four times the memory. */
export type Precision = 'int8' | 'f32';

/** Where a layer's weights are, as the kernels' layer table has them. */
export interface LayerPlan {
  readonly attentionNorm: number;
  readonly queryKeyValue: number;
  readonly attentionOutput: number;
  readonly feedForwardNorm: number;
  readonly gateUp: number;
  readonly down: number;
}

export interface MemoryPlan {
  readonly embedding: number;
  readonly output: number;
  readonly outputNorm: number;
  readonly layers: readonly LayerPlan[];
  readonly layerTable: number;
  readonly angles: number;
  readonly rowTable: number;
  readonly choiceTable: number;
  readonly resultTable: number;
  readonly blockTables: number;
  readonly masks: number;
  readonly maskBytes: number;
  readonly stream: number;
  readonly wide: number;
  readonly narrow: number;
  readonly quantized: number;
  readonly factors: number;
  readonly scores: number;
  readonly logits: number;
  readonly kv: number;
  readonly kvBlockBytes: number;
  readonly pages: number;
}

/** Bytes of a block of 16 tokens, f32 keys and values of all layers. */
export function kvBlockBytes({ layers, kvHeads, headWidth }: LlamaShape): number {
  return layers * kvHeads * headWidth * 2 * 4 * BLOCK_TOKENS;
}

/** @throws BridgeError BRG_MODEL_FILE when it does not fit into `limits.modelMemoryBytesMax` */
export function planMemory(model: LlamaModel, precision: Precision, blocks: number): MemoryPlan {
  const { shape } = model;
  const { width, heads, kvHeads, headWidth, feedForward, vocabulary, contextTokens } = shape;
  let end = PAGE_BYTES;
  const take = (bytes: number): number => {
    const at = end;
    end = Math.ceil((at + bytes) / 64) * 64;
    return at;
  };
  const matrix = (rows: number, columns: number): number =>
    take(Math.ceil(rows / 8) * (precision === 'f32' ? columns * 32 : (columns / 32) * INT8_GROUP_BYTES));
  const embedding = matrix(vocabulary, width);
  const output = model.output === model.embedding ? embedding : matrix(vocabulary, width);
  const outputNorm = take(4 * width);
  const layers = model.layers.map(() => ({
    attentionNorm: take(4 * width),
    queryKeyValue: matrix((heads + 2 * kvHeads) * headWidth, width),
    attentionOutput: matrix(width, heads * headWidth),
    feedForwardNorm: take(4 * width),
    gateUp: matrix(2 * feedForward, width),
    down: matrix(width, feedForward),
  }));
  const rows = limits.modelRowsPerCallMax;
  const columnsMax = Math.max(width, heads * headWidth, feedForward);
  const maskBytes = Math.ceil(vocabulary / 32) * 4;
  const places = {
    layerTable: take(24 * layers.length),
    angles: take(contextTokens * headWidth * 8),
    rowTable: take(16 * rows),
    choiceTable: take(16 * rows),
    resultTable: take(8 * rows),
    blockTables: take(4 * rows * Math.ceil(contextTokens / BLOCK_TOKENS)),
    masks: take(maskBytes * rows),
    stream: take(4 * rows * width),
    wide: take(4 * rows * Math.max((heads + 2 * kvHeads) * headWidth, 2 * feedForward)),
    narrow: take(4 * rows * columnsMax),
    quantized: take(rows * columnsMax),
    factors: take((rows * columnsMax) / 8),
    scores: take(8 * (contextTokens + BLOCK_TOKENS)),
    logits: take(4 * LOGIT_ROWS * (vocabulary + 8)),
  };
  const kv = take(0);
  const staged = [model.embedding, model.output, ...model.layers.flatMap((layer) => Object.values(layer))];
  const stagedBytes = Math.max(...staged.map(({ bytes }: { bytes: Uint8Array }) => bytes.length));
  take(Math.max(blocks * kvBlockBytes(shape), stagedBytes));
  if (end > limits.modelMemoryBytesMax)
    throw modelFileError(
      'size',
      `of the model takes ${end} bytes of memory, at most ${limits.modelMemoryBytesMax} are allowed`,
    );
  return {
    embedding,
    output,
    outputNorm,
    layers,
    ...places,
    maskBytes,
    kv,
    kvBlockBytes: kvBlockBytes(shape),
    pages: Math.ceil(end / PAGE_BYTES),
  };
}
