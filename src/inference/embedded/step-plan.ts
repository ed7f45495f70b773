/**
 * The rows of one step, and what each of their results is for. The arrays handed to the engine are kept by the number
 * of rows and of results, the last ones used: a batch that goes on as it was needs no new memory.
 */
import type { Engine, EngineStep, StepResult } from './engine.ts';
import type { Run } from './run.ts';
import type { Fork } from './run-memory.ts';
import { forgetOldest } from '../../base/forget-oldest.ts';
import { limits } from '../../base/limits.ts';

/** Rows of one run. */
export type Piece =
  | { readonly kind: 'rows'; readonly run: Run; readonly count: number; readonly wantsToken: boolean }
  | { readonly kind: 'option'; readonly run: Run; readonly option: number; readonly fork: Fork };

interface Arrays {
  readonly rows: Int32Array;
  readonly temperatures: Float32Array;
  readonly seeds: Uint32Array;
  readonly targets: Int32Array;
}

const ROW_WORDS = 4;

export class StepPlans {
  readonly #engine: Engine;
  readonly #arrays = new Map<number, Arrays>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Runs a step of `pieces`; results are in their order. */
  run(pieces: readonly Piece[]): StepResult {
    let rows = 0;
    let results = 0;
    for (const piece of pieces) {
      rows += rowsOf(piece);
      results += resultsOf(piece);
    }
    return this.#engine.step(this.#fill(pieces, this.#arraysFor(rows, results)));
  }

  #fill(pieces: readonly Piece[], arrays: Arrays): EngineStep {
    const writer = new RowWriter(arrays);
    const tables: Int32Array[] = [];
    for (const piece of pieces) {
      if (piece.kind === 'rows') addRows(writer, tables.length, piece);
      else addOption(writer, tables.length, piece);
      tables.push(Int32Array.from(piece.kind === 'rows' ? piece.run.blocks : piece.fork.table));
    }
    return { ...arrays, tables, masks: writer.masks };
  }

  #arraysFor(rows: number, results: number): Arrays {
    const key = rows * 65_536 + results;
    const known = this.#arrays.get(key) ?? {
      rows: new Int32Array(rows * ROW_WORDS),
      temperatures: new Float32Array(results),
      seeds: new Uint32Array(results),
      targets: new Int32Array(results),
    };
    // The last one used is the last one in the map.
    this.#arrays.delete(key);
    this.#arrays.set(key, known);
    if (this.#arrays.size > limits.enginePlansMax) {
      forgetOldest(this.#arrays);
    }
    return known;
  }
}

class RowWriter {
  readonly masks: (Uint32Array | undefined)[] = [];
  readonly #arrays: Arrays;
  #at = 0;

  constructor(arrays: Arrays) {
    this.#arrays = arrays;
  }

  row(sequence: number, token: number, position: number, wantsResult: boolean): void {
    const { rows } = this.#arrays;
    rows[this.#at++] = sequence;
    rows[this.#at++] = token;
    rows[this.#at++] = position;
    rows[this.#at++] = wantsResult ? 1 : 0;
  }

  result(mask: Uint32Array | undefined, temperature: number, seed: number, target: number): void {
    const at = this.masks.length;
    this.masks.push(mask);
    this.#arrays.temperatures[at] = temperature;
    this.#arrays.seeds[at] = seed;
    this.#arrays.targets[at] = target;
  }
}

function addRows(writer: RowWriter, sequence: number, piece: Piece & { kind: 'rows' }): void {
  const { run, count, wantsToken } = piece;
  for (let index = 0; index < count; index++) {
    const position = run.computed + index;
    writer.row(sequence, run.tokens[position] ?? 0, position, wantsToken && index === count - 1);
  }
  if (!wantsToken || run.work.kind !== 'text') return;
  const { constraint, state, request } = run.work;
  writer.result(constraint?.mask(state), request.temperature ?? 0, run.seed, -1);
}

/** The last token of the prompt tells how likely the option's first is, that one the second, and so on. */
function addOption(writer: RowWriter, sequence: number, { run, option }: Piece & { kind: 'option' }): void {
  if (run.work.kind !== 'choice') return;
  let before = run.tokens.at(-1) ?? 0;
  let position = run.tokens.length - 1;
  for (const token of run.work.options[option] ?? []) {
    writer.row(sequence, before, position++, true);
    writer.result(undefined, 0, 0, token);
    before = token;
  }
}

function rowsOf(piece: Piece): number {
  return piece.kind === 'rows' ? piece.count : optionLength(piece);
}

/** Results of the engine that are for this piece. */
export function resultsOf(piece: Piece): number {
  return piece.kind === 'rows' ? Number(piece.wantsToken) : optionLength(piece);
}

function optionLength({ run, option }: Piece & { kind: 'option' }): number {
  return run.work.kind === 'choice' ? (run.work.options[option]?.length ?? 0) : 0;
}
