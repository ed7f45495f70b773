/** From a GGUF file to an engine: the file is checked, memory laid out, weights packed for the kernels. */
import { createHash } from 'node:crypto';
import { limits } from '../../base/limits.ts';
import type { Engine } from './engine.ts';
import { TENSOR_TYPES, type GgufTensor } from './gguf.ts';
import { parseGguf, readModelFile } from './gguf-reader.ts';
import { kernelMemory, loadKernels, type KernelBuild, type KernelMemory, type Kernels } from './kernels.ts';
import { readLlama, type LlamaModel, type LlamaShape } from './llama-shape.ts';
import { kvBlockBytes, LOGIT_ROWS, planMemory, type MemoryPlan, type Precision } from './memory-plan.ts';
import { readTokenizer } from './tokenizer.ts';
import { WasmEngine } from './wasm-engine.ts';

/** How an engine is laid out. @public */
export interface EngineOptions {
  /** Default `int8`. */
  readonly precision?: Precision;
  /** Positions a sequence may have; default, and at most, what the file says. */
  readonly contextTokens?: number;
  /** KV blocks of 16 tokens; default: `limits.modelKvBlocks`, fewer when they would take more than `limits.modelKvBytesMax`. */
  readonly blocks?: number;
  /** Default: the fastest build of the kernels that runs here. */
  readonly kernels?: KernelBuild;
}

/** Part of the fingerprint: of how keys and values are computed and kept. */
const FORMAT = 'mooring-kv-1';

/**
 * Opens a model file. @public
 * @throws BridgeError BRG_MODEL_FILE when the file cannot be read, or holds no model the engine runs
 */
export function openEngine(path: string, options: EngineOptions = {}): Engine {
  return engineOf(readModelFile(path), options);
}

/** The engine of a model file's bytes. @public @throws BridgeError BRG_MODEL_FILE */
export function engineOf(bytes: Uint8Array, options: EngineOptions = {}): Engine {
  const { precision = 'int8' } = options;
  const file = parseGguf(bytes);
  const tokenizer = readTokenizer(file);
  const found = readLlama(file, tokenizer.vocabulary);
  const contextTokens = Math.min(options.contextTokens ?? Infinity, found.shape.contextTokens);
  const model = { ...found, shape: { ...found.shape, contextTokens } };
  const blocks = options.blocks ?? usualBlocks(model.shape);
  const plan = planMemory(model, precision, blocks);
  const memory = kernelMemory(plan.pages);
  const kernels = loadKernels(memory, options.kernels);
  configure(kernels, model.shape, plan, precision);
  packWeights(kernels, memory, model, plan);
  writeAngles(
    model.shape,
    new Float32Array(memory.buffer, plan.angles, contextTokens * model.shape.headWidth * 2),
  );
  const fingerprint = createHash('sha256').update(`${FORMAT} ${precision}`).update(bytes).digest('hex');
  return new WasmEngine({ kernels, memory, plan, shape: model.shape, blocks, tokenizer, fingerprint });
}

function usualBlocks(shape: LlamaShape): number {
  return Math.max(
    1,
    Math.min(limits.modelKvBlocks, Math.floor(limits.modelKvBytesMax / kvBlockBytes(shape))),
  );
}

function configure(kernels: Kernels, shape: LlamaShape, plan: MemoryPlan, precision: Precision): void {
  kernels.configureShape(
    shape.layers,
    shape.width,
    shape.heads,
    shape.kvHeads,
    shape.headWidth,
    shape.feedForward,
    shape.vocabulary,
    shape.normEpsilon,
    precision === 'f32',
    shape.contextTokens,
  );
  kernels.configureWeights(
    plan.embedding,
    plan.outputNorm,
    plan.output,
    plan.layerTable,
    plan.angles,
    plan.kv,
  );
  kernels.configureScratch(
    plan.rowTable,
    plan.choiceTable,
    plan.resultTable,
    plan.stream,
    plan.wide,
    plan.narrow,
    plan.quantized,
    plan.factors,
    plan.scores,
    plan.logits,
    LOGIT_ROWS,
  );
}

function packWeights(kernels: Kernels, memory: KernelMemory, model: LlamaModel, plan: MemoryPlan): void {
  const all = new Uint8Array(memory.buffer);
  let stagedMax = 0;
  const stage = ({ bytes }: GgufTensor): void => {
    all.set(bytes, plan.kv);
    stagedMax = Math.max(stagedMax, bytes.length);
  };
  /** Matrices of the same columns, one behind the other. */
  const matrices = (to: number, ...tensors: readonly GgufTensor[]): void => {
    let firstRow = 0;
    for (const tensor of tensors) {
      const [columns = 0, rows = 0] = tensor.dimensions;
      stage(tensor);
      kernels.packMatrix(plan.kv, TENSOR_TYPES[tensor.type].id, rows, columns, to, firstRow);
      firstRow += rows;
    }
  };
  const vector = (to: number, tensor: GgufTensor): void => {
    stage(tensor);
    kernels.packVector(plan.kv, TENSOR_TYPES[tensor.type].id, tensor.dimensions[0] ?? 0, to);
  };
  matrices(plan.embedding, model.embedding);
  if (plan.output !== plan.embedding) matrices(plan.output, model.output);
  vector(plan.outputNorm, model.outputNorm);
  const table = new Uint32Array(memory.buffer, plan.layerTable, 6 * plan.layers.length);
  model.layers.forEach((layer, index) => {
    const to = plan.layers[index];
    if (to === undefined) return; // planned of the same list
    vector(to.attentionNorm, layer.attentionNorm);
    matrices(to.queryKeyValue, layer.query, layer.key, layer.value);
    matrices(to.attentionOutput, layer.attentionOutput);
    vector(to.feedForwardNorm, layer.feedForwardNorm);
    matrices(to.gateUp, layer.gate, layer.up);
    matrices(to.down, layer.down);
    table.set(
      [to.attentionNorm, to.queryKeyValue, to.attentionOutput, to.feedForwardNorm, to.gateUp, to.down],
      6 * index,
    );
  });
  all.fill(0, plan.kv, plan.kv + stagedMax);
}

/** Of each position the cosines of its angles, each twice, then the sines with signs - +, as `rotate` wants them. */
function writeAngles({ contextTokens, headWidth, ropeBase }: LlamaShape, to: Float32Array): void {
  // In f32 and step by step, as llama.cpp does it: the same angles to the last bit.
  const ratio = Math.fround(ropeBase ** (-2 / headWidth));
  for (let position = 0; position < contextTokens; position++) {
    let angle = position;
    for (let pair = 0; pair < headWidth; pair += 2) {
      const at = 2 * position * headWidth + pair;
      const cosine = Math.cos(angle);
      const sine = Math.sin(angle);
      to[at] = cosine;
      to[at + 1] = cosine;
      to[at + headWidth] = -sine;
      to[at + headWidth + 1] = sine;
      angle = Math.fround(angle * ratio);
    }
  }
}
