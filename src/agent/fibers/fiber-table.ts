/**
 * The stored fibers of an agent, one document each. Ended ones stay only if managed, for
 * `limits.fiberCompletedKeepMs` or `fiberFailedKeepMs`, and at most `fibersEndedMax` of them.
 */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { CellTable } from '../jobs/cell-table.ts';
import type { FiberHost } from './fiber-host.ts';
import type { FiberPhase, FiberRow } from './fiber.ts';

type Ended = Extract<FiberPhase, { kind: 'ended' }>;

export class FiberTable {
  readonly #host: FiberHost;
  readonly #cells: CellTable<FiberRow>;

  constructor(host: FiberHost) {
    this.#host = host;
    this.#cells = new CellTable(host, 'fiber:');
  }

  /** Undefined also when it ended long ago. */
  get(id: string): FiberRow | undefined {
    const row = this.#cells.get(id);
    return row === undefined || this.#isStale(row) ? undefined : row;
  }

  withKey(key: string): FiberRow | undefined {
    return this.all().find((row) => row.key === key);
  }

  all(): FiberRow[] {
    return this.#cells.all().filter((row) => !this.#isStale(row));
  }

  put(row: FiberRow): void {
    this.#cells.put(row);
  }

  /** @throws BridgeError BRG_FIBERS_FULL when there is no room for one more that has not ended */
  checkRoom(): void {
    const limit = limits.fibersPerAgentMax;
    // Most agents have a few fibers: only then the rows are counted one by one.
    if (this.#cells.size < limit) return;
    if (this.all().filter(({ phase }) => phase.kind !== 'ended').length >= limit)
      throw new BridgeError('BRG_FIBERS_FULL', `the agent has ${limit} fibers that have not ended`);
  }

  end(row: FiberRow, status: Ended['status'], error?: unknown): void {
    if (!row.isManaged) {
      this.#cells.delete(row.id);
      return;
    }
    const text = error instanceof Error ? error.message : String(error);
    const reason = error === undefined ? {} : { error: text.slice(0, limits.jobErrorCharactersMax) };
    this.put({ ...row, phase: { kind: 'ended', status, atMs: this.#host.now(), ...reason } });
    this.prune();
  }

  /** Deletes what has been kept long enough. */
  prune(): void {
    for (const row of this.#cells.all()) if (this.#isStale(row)) this.#cells.delete(row.id);
    if (this.#cells.size <= limits.fibersEndedMax) return;
    const ended = this.all()
      .filter(({ phase }) => phase.kind === 'ended')
      .sort((a, b) => endedAtMs(b) - endedAtMs(a));
    for (const { id } of ended.slice(limits.fibersEndedMax)) this.#cells.delete(id);
  }

  #isStale({ phase }: FiberRow): boolean {
    if (phase.kind !== 'ended') return false;
    const isDone = phase.status === 'completed' || phase.status === 'cancelled';
    const keepMs = isDone ? limits.fiberCompletedKeepMs : limits.fiberFailedKeepMs;
    return this.#host.now() - phase.atMs >= keepMs;
  }
}

function endedAtMs({ phase }: FiberRow): number {
  return phase.kind === 'ended' ? phase.atMs : 0;
}
