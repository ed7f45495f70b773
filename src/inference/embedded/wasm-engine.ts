/** The engine behind its seam (engine.ts): checks what comes, writes it where the kernels look, reads what they say. */
import { assert, BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Engine, EngineInfo, EngineStep, StepResult, Tokenizer } from './engine.ts';
import type { KernelMemory, Kernels } from './kernels.ts';
import type { LlamaShape } from './llama-shape.ts';
import { BLOCK_TOKENS, type MemoryPlan } from './memory-plan.ts';
import { checkStoredHead, restoreHead, storedHeadBytes, storeHead } from './stored-blocks.ts';

/** What `openEngine` has made. */
export interface WasmEngineParts {
  readonly kernels: Kernels;
  readonly memory: KernelMemory;
  readonly plan: MemoryPlan;
  readonly shape: LlamaShape;
  readonly blocks: number;
  readonly tokenizer: Tokenizer;
  readonly fingerprint: string;
}

const ROW_FIELDS = 4;
/** Spreads positions over the seeds: 2^32 over the golden ratio. */
const POSITION_STEP = 0x9e3779b9;

/** Gone when the engine is closed. */
interface Live {
  readonly kernels: Kernels;
  readonly memory: ArrayBuffer;
  readonly words: Int32Array;
  readonly view: DataView;
}

export class WasmEngine implements Engine {
  readonly info: EngineInfo;
  readonly tokenizer: Tokenizer;
  readonly #plan: MemoryPlan;
  readonly #shape: LlamaShape;
  readonly #storedBlockBytes: number;
  #live: Live | undefined;

  constructor({ kernels, memory, plan, shape, blocks, tokenizer, fingerprint }: WasmEngineParts) {
    this.tokenizer = tokenizer;
    this.#plan = plan;
    this.#shape = shape;
    this.#live = {
      kernels,
      memory: memory.buffer,
      words: new Int32Array(memory.buffer),
      view: new DataView(memory.buffer),
    };
    this.#storedBlockBytes = shape.layers * shape.kvHeads * storedHeadBytes(shape.headWidth);
    this.info = {
      architecture: 'llama',
      vocabulary: shape.vocabulary,
      contextTokens: shape.contextTokens,
      blockTokens: BLOCK_TOKENS,
      blocks,
      kvBytesPerToken: plan.kvBlockBytes / BLOCK_TOKENS,
      storedBytesPerToken: this.#storedBlockBytes / BLOCK_TOKENS,
      fingerprint,
    };
  }

  step(step: EngineStep): StepResult {
    const rows = step.rows.length / ROW_FIELDS;
    this.#check(step);
    const wanted = step.targets.length;
    const tokens = new Int32Array(wanted);
    const logProbabilities = new Float32Array(wanted);
    let choice = 0;
    for (let first = 0; first < rows; first += limits.modelRowsPerCallMax) {
      const end = Math.min(rows, first + limits.modelRowsPerCallMax);
      const count = this.#write(step, first, end, choice);
      this.#memory.kernels.step(end - first);
      this.#read(count, choice, tokens, logProbabilities);
      choice += count;
    }
    const failed = tokens.indexOf(-1);
    if (failed >= 0) {
      assert(step.masks[failed] === undefined, 'a mask leaves a token to choose');
      throw new BridgeError('BRG_MODEL_FILE', 'model file: weights give results that are no numbers');
    }
    return { tokens, logProbabilities };
  }

  copyBlock(from: number, to: number): void {
    const at = this.#blockAt(from);
    new Uint8Array(this.#memory.memory).copyWithin(this.#blockAt(to), at, at + this.#plan.kvBlockBytes);
  }

  readBlocks(blocks: Int32Array): Uint8Array {
    const bytes = new Uint8Array(blocks.length * this.#storedBlockBytes);
    this.#eachHead(blocks, bytes, (values, stored) => storeHead(values, this.#shape.headWidth, stored));
    return bytes;
  }

  writeBlocks(blocks: Int32Array, bytes: Uint8Array): void {
    const wanted = blocks.length * this.#storedBlockBytes;
    if (bytes.length !== wanted)
      throw new BridgeError(
        'BRG_MODEL_STATE',
        `kept keys and values are ${bytes.length} bytes, not ${wanted}`,
      );
    const { headWidth } = this.#shape;
    this.#eachHead(blocks, bytes, (_, stored) => checkStoredHead(stored, headWidth));
    this.#eachHead(blocks, bytes, (values, stored) => restoreHead(stored, headWidth, values));
  }

  close(): void {
    this.#live = undefined;
  }

  get #memory(): Live {
    assert(this.#live !== undefined, 'an engine that is used is not closed');
    return this.#live;
  }

  /** What the kernels would not notice, and write beyond their memory. */
  #check({ rows, tables, masks, temperatures, seeds, targets }: EngineStep): void {
    const { vocabulary, contextTokens, blocks } = this.info;
    for (const table of tables)
      for (const block of table) assert(block >= 0 && block < blocks, 'a table names blocks there are');
    let wanted = 0;
    for (let at = 0; at < rows.length; at += ROW_FIELDS) {
      const [sequence = -1, token = -1, position = -1, isWanted = 0] = rows.subarray(at, at + ROW_FIELDS);
      assert(token >= 0 && token < vocabulary, 'a row has a token of the vocabulary');
      assert(position >= 0 && position < contextTokens, 'a row has a position of the context');
      assert(
        position >> 4 < (tables[sequence]?.length ?? 0),
        'the table of a row has a block for its position',
      );
      if (isWanted !== 0) wanted++;
    }
    const counts = [masks.length, temperatures.length, seeds.length, targets.length];
    assert(
      counts.every((count) => count === wanted),
      'each row that wants logits says how',
    );
    assert(
      targets.every((target) => target >= -1 && target < vocabulary),
      'a target is of the vocabulary',
    );
  }

  /** Writes rows `first` to `end`; answers how many of them want logits. `choice`: how many before them did. */
  #write(step: EngineStep, first: number, end: number, choice: number): number {
    const { words } = this.#memory;
    const { rowTable, blockTables, contextTokens } = {
      ...this.#plan,
      contextTokens: this.info.contextTokens,
    };
    const room = Math.ceil(contextTokens / BLOCK_TOKENS);
    let lastSequence = -1;
    let table = blockTables - 4 * room;
    let count = 0;
    for (let row = first; row < end; row++) {
      const at = ROW_FIELDS * row;
      const sequence = step.rows[at] ?? -1;
      const position = step.rows[at + 2] ?? 0;
      if (sequence !== lastSequence) {
        table += 4 * room;
        words.set(step.tables[sequence]?.subarray(0, room) ?? [], table >> 2);
        lastSequence = sequence;
      }
      const isWanted = step.rows[at + 3] ?? 0;
      const to = (rowTable >> 2) + ROW_FIELDS * (row - first);
      words[to] = table;
      words[to + 1] = step.rows[at + 1] ?? 0;
      words[to + 2] = position;
      words[to + 3] = isWanted;
      if (isWanted !== 0) this.#writeChoice(step, choice + count, count++, position);
    }
    return count;
  }

  #writeChoice(step: EngineStep, index: number, place: number, position: number): void {
    const { view, words } = this.#memory;
    const { choiceTable, masks, maskBytes } = this.#plan;
    const mask = step.masks[index];
    const maskAt = masks + place * maskBytes;
    if (mask !== undefined) {
      assert(mask.length >= maskBytes / 4, 'a mask has a bit for each token');
      words.set(mask.subarray(0, maskBytes / 4), maskAt >> 2);
    }
    const at = choiceTable + 16 * place;
    view.setUint32(at, mask === undefined ? 0 : maskAt, true);
    view.setFloat32(at + 4, step.temperatures[index] ?? 0, true);
    view.setUint32(at + 8, (step.seeds[index] ?? 0) + Math.imul(position, POSITION_STEP), true);
    view.setInt32(at + 12, step.targets[index] ?? -1, true);
  }

  #read(count: number, choice: number, tokens: Int32Array, logProbabilities: Float32Array): void {
    const { view } = this.#memory;
    for (let index = 0; index < count; index++) {
      const at = this.#plan.resultTable + 8 * index;
      tokens[choice + index] = view.getInt32(at, true);
      logProbabilities[choice + index] = view.getFloat32(at + 4, true);
    }
  }

  #blockAt(block: number): number {
    assert(block >= 0 && block < this.info.blocks, 'there is a block of this id');
    return this.#plan.kv + block * this.#plan.kvBlockBytes;
  }

  /** Calls `visit` with what each layer and head of the blocks has in memory, and its place in `bytes`. */
  #eachHead(
    blocks: Int32Array,
    bytes: Uint8Array,
    visit: (values: Float32Array, stored: DataView) => void,
  ): void {
    const { layers, kvHeads, headWidth } = this.#shape;
    const count = 2 * headWidth * BLOCK_TOKENS;
    const storedBytes = storedHeadBytes(headWidth);
    let stored = bytes.byteOffset;
    for (const block of blocks) {
      for (let head = 0; head < layers * kvHeads; head++) {
        const values = new Float32Array(this.#memory.memory, this.#blockAt(block) + 4 * count * head, count);
        visit(values, new DataView(bytes.buffer, stored, storedBytes));
        stored += storedBytes;
      }
    }
  }
}
