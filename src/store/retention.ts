import { limits } from '../base/limits.ts';
import {
  HOUR_MS,
  MINUTE_MS,
  RAW_MS,
  readBlock,
  rollUp,
  sortRows,
  splitAt,
  strideOf,
} from './history-block.ts';
import type { HistoryRecent } from './history-recent.ts';
import { splitMetrics, type BlockHeader, type HistoryTable } from './history-table.ts';

/** How long history is kept, in ms; each is longer than the one before. */
export interface RetentionPolicy {
  /** As it came; somewhat longer where a block is not all old yet. */
  readonly rawMs: number;
  /** Min, max, sum and count of each minute. */
  readonly minutesMs: number;
  /** ... and of each hour; then it is deleted. */
  readonly hoursMs: number;
}

/**
 * A block that is only partly too old is split once its oldest point is past its time by this part of
 * the time to keep: often enough to free space, seldom enough not to rewrite it every minute.
 */
const SPLIT_AFTER_PART = 1 / 8;

/** Points a step may still touch. */
interface Budget {
  points: number;
}

/**
 * Upkeep of the history table in bounded pieces.
 *
 * Points from the future stay raw until their time has passed: a host that boots without a clock
 * (1970) would otherwise throw away everything it has.
 */
export class Retention {
  readonly #table: HistoryTable;
  readonly #recent: HistoryRecent;
  /** Blocks written since the agent's blocks were last joined; agents without new ones are absent. */
  readonly #written = new Map<number, number>();

  /** Recent rows with an id below this are moved, however few an agent has. */
  #oldId: number;
  /** The next id at `#markMs`; becomes `#oldId` after limits.historyRecentMs. */
  #markId: number;
  #markMs = -Infinity;

  constructor(table: HistoryTable, recent: HistoryRecent) {
    this.#table = table;
    this.#recent = recent;
    this.#oldId = this.#markId = recent.nextId;
  }

  forget(agent: number): void {
    this.#written.delete(agent);
  }

  /** Answers the agents that still have work. */
  step(nowMs: number, agents: readonly number[], policy: RetentionPolicy): number[] {
    const budget: Budget = { points: limits.historyStepPointsMax };
    this.#markTime(nowMs);
    const waiting = agents.filter((agent) => {
      if (budget.points <= 0) return true;
      this.#move(agent, budget);
      // In this order a point that comes very late goes all the way at once.
      this.#expire(agent, RAW_MS, MINUTE_MS, nowMs - policy.rawMs, policy.rawMs, budget);
      this.#expire(agent, MINUTE_MS, HOUR_MS, nowMs - policy.minutesMs, policy.minutesMs, budget);
      this.#expire(agent, HOUR_MS, null, nowMs - policy.hoursMs, policy.hoursMs, budget);
      this.#join(agent, budget);
      return budget.points <= 0;
    });
    this.#recent.deleteMoved(limits.historyStepRowsMax);
    return waiting;
  }

  #markTime(nowMs: number): void {
    // The absolute value: a clock set back must not stop the upkeep.
    if (Math.abs(nowMs - this.#markMs) < limits.historyRecentMs) return;
    this.#oldId = this.#markId;
    this.#markId = this.#recent.nextId;
    this.#markMs = nowMs;
  }

  /** Moves recent rows into blocks of the agent once they are many or old. */
  #move(agent: number, budget: Budget): void {
    const ids = this.#recent.idsOf(agent);
    if (ids.length === 0 || (ids.length < limits.historyJoinBlocksMin && ids[0]! >= this.#oldId)) return;
    const blocks = new Map<string, Float64Array[]>();
    let count = 0;
    while (count < ids.length && (count === 0 || budget.points > 0)) {
      const row = this.#recent.read(ids[count++]!);
      if (row === undefined) continue; // rolled back
      const rows = readBlock(row.block);
      const group = blocks.get(row.metrics);
      if (group === undefined) blocks.set(row.metrics, [rows]);
      else group.push(rows);
      budget.points -= rows.length / strideOf(RAW_MS, splitMetrics(row.metrics).length);
    }
    this.#recent.moved(agent, count);
    for (const [metrics, group] of blocks) {
      const stride = strideOf(RAW_MS, splitMetrics(metrics).length);
      this.#table.insert(agent, RAW_MS, metrics, sortRows(group, stride));
    }
    this.#noteWritten(agent, blocks.size);
  }

  /** Rolls what is before `cutoffMs` up to `targetMs`, or deletes it when that is null. */
  #expire(
    agent: number,
    widthMs: number,
    targetMs: number | null,
    cutoffMs: number,
    keptMs: number,
    budget: Budget,
  ): void {
    const unitMs = targetMs ?? widthMs;
    const cutoff = Math.floor(cutoffMs / unitMs) * unitMs;
    // A block only partly old is split, but not again every minute.
    const split = cutoff - keptMs * SPLIT_AFTER_PART;
    const headers = this.#table.expired(agent, widthMs, cutoff, split, limits.historyStepBlocksMax);
    for (const [metrics, group] of Map.groupBy(headers, (header) => header.metrics)) {
      if (budget.points <= 0) return;
      const { rows, count, stride } = this.#take(group, widthMs, metrics, budget);
      const end = splitAt(rows, stride, cutoff);
      if (targetMs !== null) {
        this.#table.insert(agent, targetMs, metrics, rollUp(rows.subarray(0, end), count, widthMs, targetMs));
        this.#noteWritten(agent, 1);
      }
      this.#table.insert(agent, widthMs, metrics, rows.subarray(end));
    }
    if (headers.length === limits.historyStepBlocksMax) budget.points = 0; // more may be waiting
  }

  /** Joins small blocks of the same metrics once there are enough of them to be worth it. */
  #join(agent: number, budget: Budget): void {
    if ((this.#written.get(agent) ?? 0) < limits.historyJoinBlocksMin) return;
    const headers = this.#table.small(
      agent,
      limits.historyBlockPointsMax / 2,
      limits.historyBlockBytesMax / 2,
      limits.historyStepBlocksMax,
    );
    let joined = 0;
    for (const group of Map.groupBy(headers, ({ widthMs, metrics }) => `${widthMs} ${metrics}`).values()) {
      const { widthMs, metrics } = group[0]!; // groupBy makes no empty group
      if (group.length < 2 || budget.points <= 0) continue;
      const { rows, count } = this.#take(group, widthMs, metrics, budget);
      this.#table.insert(
        agent,
        widthMs,
        metrics,
        widthMs === RAW_MS ? rows : rollUp(rows, count, widthMs, widthMs),
      );
      joined += group.length;
    }
    // More are waiting behind those seen here. Where few could be joined, the rest would not be either.
    if (headers.length === limits.historyStepBlocksMax && joined * 2 >= headers.length) budget.points = 0;
    if (budget.points > 0) this.#written.delete(agent);
  }

  #noteWritten(agent: number, blocks: number): void {
    this.#written.set(agent, (this.#written.get(agent) ?? 0) + blocks);
  }

  /** Takes blocks out of the table while the budget lasts, at least one. Their rows, sorted. */
  #take(
    headers: readonly BlockHeader[],
    widthMs: number,
    metrics: string,
    budget: Budget,
  ): { rows: Float64Array; count: number; stride: number } {
    const count = splitMetrics(metrics).length;
    const stride = strideOf(widthMs, count);
    const blocks: Float64Array[] = [];
    for (const header of headers) {
      if (blocks.length > 0 && budget.points <= 0) break;
      blocks.push(this.#table.rowsOf(header));
      this.#table.delete(header);
      budget.points -= header.points;
    }
    return { rows: sortRows(blocks, stride), count, stride };
  }
}
