/**
 * The kernels of the embedded engine, in AssemblyScript (not TypeScript: `npm run build:kernels` compiles it). One
 * call of `step` takes all rows through all layers. Memory is laid out by memory-plan.ts; nothing is allocated here.
 */
import { attendOne, attendTwo, remember } from './attention';
import { choose } from './choice';
import * as float from './matrix-float';
import * as int8 from './matrix-int8';
import { gated, normalize, rotate } from './numbers';

// Sizes of the model.
let layers: i32 = 0;
let width: i32 = 0;
let heads: i32 = 0;
let kvHeads: i32 = 0;
let headWidth: i32 = 0;
let feedForward: i32 = 0;
let vocabulary: i32 = 0;
let epsilon: f32 = 0;
let isFloat: bool = false;
let contextTokens: i32 = 0;

// Places.
let embedding: usize = 0;
let outputNorm: usize = 0;
let output: usize = 0;
/** Of each layer six: attention norm; q, k and v; attention output; feed-forward norm; gate and up; down. */
let layerTable: usize = 0;
let angles: usize = 0;
let kv: usize = 0;
/** Of each row four: address of its table, token, position, whether logits are wanted. */
let rowTable: usize = 0;
/** Of each row that wants logits four: address of its mask or 0, temperature, seed, target; then its results, two each. */
let choiceTable: usize = 0;
let resultTable: usize = 0;
/** [rows][width]: what flows through the layers. */
let stream: usize = 0;
/** [rows][width of a projection]: q, k and v, or gate and up. */
let wide: usize = 0;
/** [rows][columns of a matrix]: what is multiplied with it; and the same quantized, with its factors. */
let narrow: usize = 0;
let quantized: usize = 0;
let factors: usize = 0;
let scores: usize = 0;
/** [logitRows][vocabulary, padded] */
let logits: usize = 0;
let logitRows: i32 = 0;

export function configureShape(
  layersOf: i32,
  widthOf: i32,
  headsOf: i32,
  kvHeadsOf: i32,
  headWidthOf: i32,
  feedForwardOf: i32,
  vocabularyOf: i32,
  epsilonOf: f32,
  isFloatOf: bool,
  contextTokensOf: i32,
): void {
  layers = layersOf;
  width = widthOf;
  heads = headsOf;
  kvHeads = kvHeadsOf;
  headWidth = headWidthOf;
  feedForward = feedForwardOf;
  vocabulary = vocabularyOf;
  epsilon = epsilonOf;
  isFloat = isFloatOf;
  contextTokens = contextTokensOf;
}

export function configureWeights(
  embeddingAt: usize,
  outputNormAt: usize,
  outputAt: usize,
  layerTableAt: usize,
  anglesAt: usize,
  kvAt: usize,
): void {
  embedding = embeddingAt;
  outputNorm = outputNormAt;
  output = outputAt;
  layerTable = layerTableAt;
  angles = anglesAt;
  kv = kvAt;
}

export function configureScratch(
  rowTableAt: usize,
  choiceTableAt: usize,
  resultTableAt: usize,
  streamAt: usize,
  wideAt: usize,
  narrowAt: usize,
  quantizedAt: usize,
  factorsAt: usize,
  scoresAt: usize,
  logitsAt: usize,
  logitRowsOf: i32,
): void {
  rowTable = rowTableAt;
  choiceTable = choiceTableAt;
  resultTable = resultTableAt;
  stream = streamAt;
  wide = wideAt;
  narrow = narrowAt;
  quantized = quantizedAt;
  factors = factorsAt;
  scores = scoresAt;
  logits = logitsAt;
  logitRows = logitRowsOf;
}

/** Weights of a file at `from` become those of a matrix at `to`, from its row `firstRow` on. `type` is GGUF's. */
export function packMatrix(from: usize, type: i32, rows: i32, columns: i32, to: usize, firstRow: i32): void {
  if (isFloat) float.pack(from, type, rows, columns, to, firstRow);
  else int8.pack(from, type, rows, columns, to, firstRow);
}

export function packVector(from: usize, type: i32, count: i32, to: usize): void {
  for (let index = 0; index < count; index++)
    store<f32>(to + ((<usize>index) << 2), int8.weightOf(from, type, index));
}

/** Takes the rows of the row table through the model; results of those that want logits are in the result table. */
export function step(rows: i32): void {
  for (let row = 0; row < rows; row++) {
    const token = load<i32>(rowTable + ((<usize>row) << 4), 4);
    const to = stream + ((<usize>(row * width)) << 2);
    if (isFloat) float.unpackRow(embedding, token, width, to);
    else int8.unpackRow(embedding, token, width, to);
  }
  const qkvWidth = (heads + 2 * kvHeads) * headWidth;
  const streamBytes = (<usize>width) << 2;
  for (let layer = 0; layer < layers; layer++) {
    const table = layerTable + <usize>(layer * 24);
    normalizeRows(rows, load<u32>(table));
    multiply(load<u32>(table, 4), qkvWidth, width, rows, wide, (<usize>qkvWidth) << 2, false);
    rememberRows(rows, layer, qkvWidth);
    attendRows(rows, layer, qkvWidth);
    multiply(load<u32>(table, 8), width, heads * headWidth, rows, stream, streamBytes, true);
    normalizeRows(rows, load<u32>(table, 12));
    multiply(load<u32>(table, 16), 2 * feedForward, width, rows, wide, (<usize>feedForward) << 3, false);
    for (let row = 0; row < rows; row++)
      gated(
        wide + ((<usize>(row * feedForward)) << 3),
        narrow + ((<usize>(row * feedForward)) << 2),
        feedForward,
      );
    multiply(load<u32>(table, 20), width, feedForward, rows, stream, streamBytes, true);
  }
  chooseRows(rows);
}

function normalizeRows(rows: i32, weight: usize): void {
  const bytes = (<usize>width) << 2;
  for (let row = 0; row < rows; row++)
    normalize(stream + <usize>row * bytes, weight, narrow + <usize>row * bytes, width, epsilon);
}

/** What is in `narrow` times a matrix. */
function multiply(
  weights: usize,
  outputs: i32,
  columns: i32,
  rows: i32,
  out: usize,
  outBytes: usize,
  isAdding: bool,
): void {
  const groups = (outputs + 7) >> 3;
  if (isFloat) {
    float.multiply(weights, groups, columns, rows, narrow, out, outBytes, isAdding);
    return;
  }
  int8.quantize(narrow, columns * rows, quantized, factors);
  int8.multiply(weights, groups, columns >> 5, rows, quantized, factors, out, outBytes, isAdding);
}

/** Where a layer and KV head lie in a block, and a block's bytes. */
function headBytes(): usize {
  return (<usize>headWidth) << 7;
}

function blockBytes(): usize {
  return <usize>(layers * kvHeads) * headBytes();
}

function rememberRows(rows: i32, layer: i32, qkvWidth: i32): void {
  const scale: f32 = 1 / sqrt<f32>(<f32>headWidth);
  for (let row = 0; row < rows; row++) {
    const place = rowTable + ((<usize>row) << 4);
    const position = load<i32>(place, 8);
    const turn = angles + ((<usize>(position * headWidth)) << 3);
    let at = wide + ((<usize>(row * qkvWidth)) << 2);
    for (let head = 0; head < heads; head++, at += (<usize>headWidth) << 2)
      rotate(at, turn, headWidth, scale);
    const block = load<u32>(<usize>load<u32>(place) + ((<usize>(position >> 4)) << 2));
    let to = kv + <usize>block * blockBytes() + <usize>(layer * kvHeads) * headBytes();
    for (let head = 0; head < kvHeads; head++, at += (<usize>headWidth) << 2, to += headBytes()) {
      rotate(at, turn, headWidth, 1);
      remember(to, position & 15, at, at + ((<usize>(kvHeads * headWidth)) << 2), headWidth);
    }
  }
}

function attendRows(rows: i32, layer: i32, qkvWidth: i32): void {
  const shared = heads / kvHeads;
  const room = <usize>((contextTokens + 15) & ~15);
  for (let row = 0; row < rows; row++) {
    const place = rowTable + ((<usize>row) << 4);
    const table: usize = load<u32>(place);
    const tokens = load<i32>(place, 8) + 1;
    let head = 0;
    while (head < heads) {
      const q = wide + ((<usize>(row * qkvWidth + head * headWidth)) << 2);
      const out = narrow + ((<usize>((row * heads + head) * headWidth)) << 2);
      const base = kv + <usize>(layer * kvHeads + head / shared) * headBytes();
      // Two heads that look at the same keys read them once.
      if ((head % shared) + 1 < shared) {
        attendTwo(q, table, tokens, base, blockBytes(), headWidth, scores, room, out);
        head += 2;
      } else {
        attendOne(q, table, tokens, base, blockBytes(), headWidth, scores, out);
        head += 1;
      }
    }
  }
}

/** Logits of the rows that want them, some at a time, and what is chosen by them. */
function chooseRows(rows: i32): void {
  const padded = (vocabulary + 7) & ~7;
  const logitBytes = (<usize>padded) << 2;
  const bytes = (<usize>width) << 2;
  let place = choiceTable;
  let result = resultTable;
  let row = 0;
  while (row < rows) {
    let count = 0;
    for (; row < rows && count < logitRows; row++) {
      if (load<i32>(rowTable + ((<usize>row) << 4), 12) == 0) continue;
      normalize(stream + <usize>row * bytes, outputNorm, narrow + <usize>count * bytes, width, epsilon);
      count++;
    }
    multiply(output, vocabulary, width, count, logits, logitBytes, false);
    for (let index = 0; index < count; index++) {
      choose(
        logits + <usize>index * logitBytes,
        vocabulary,
        load<u32>(place),
        load<f32>(place, 4),
        load<u32>(place, 8),
        load<i32>(place, 12),
        result,
      );
      place += 16;
      result += 8;
    }
  }
}
