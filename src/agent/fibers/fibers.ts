/**
 * Fibers: long pieces of work beside the lanes. They hold up neither jobs nor device turns; what each
 * synchronous piece of them writes is committed together. Names of the Agents SDK; docs/fibers.md.
 *
 * I1 A fiber's row is there from before its function begins until it has ended: whatever ends the process,
 *    `onFiberRecovered` hears of it.
 * I2 It holds the agent in memory exactly while its function runs.
 * I3 Of all functions started for one id, only the last (`#owners`) may change its row.
 */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Capability, DeadJobs } from '../jobs/index.ts';
import type { FiberHost } from './fiber-host.ts';
import { FiberRecovery } from './fiber-recovery.ts';
import { FiberTable } from './fiber-table.ts';
import {
  checkFunction,
  checkText,
  describeFiber,
  storedSnapshot,
  type FiberCriteria,
  type FiberFunction,
  type FiberInfo,
  type FiberOptions,
  type FiberRow,
} from './fiber.ts';
import { KeepAlive } from './keep-alive.ts';
import { RunningFiber, type FiberOutcome, type FiberRows } from './running-fiber.ts';

type Work = FiberFunction<unknown, unknown>;

export class Fibers implements Capability, FiberRows {
  readonly keepAlive: KeepAlive;
  readonly #host: FiberHost;
  readonly #table: FiberTable;
  readonly #recovery: FiberRecovery;
  /** Functions that are about to run, or run. */
  readonly #live = new Set<RunningFiber>();
  readonly #owners = new Map<string, RunningFiber>();
  #seenMs = 0;
  #isStopped = false;

  constructor(host: FiberHost, dead: DeadJobs) {
    this.#host = host;
    this.keepAlive = new KeepAlive(host);
    this.#table = new FiberTable(host);
    this.#recovery = new FiberRecovery(host, this.#table, dead);
  }

  /** Settles as `work` does. @throws BridgeError BRG_FIBER, BRG_FIBERS_FULL; nothing was started then */
  run(name: string, work: Work): Promise<unknown> {
    checkText('the name', name);
    checkFunction(work);
    return this.#launch(this.#takenOver(name, {}) ?? this.#newRow(name, {}), work, true).result;
  }

  /** Answers the id of the fiber, or that of the one known by this id or key. @throws as `run` does */
  startManaged(name: string, work: Work, options: FiberOptions): string {
    checkText('the name', name);
    checkFunction(work);
    if (options.fiberId !== undefined) checkText('the id', options.fiberId);
    if (options.idempotencyKey !== undefined) checkText('the key', options.idempotencyKey);
    const left = this.#takenOver(name, options);
    const known = left === undefined ? this.#known(options) : undefined;
    if (known !== undefined) return known.id;
    return this.#launch({ ...(left ?? this.#newRow(name, options)), isManaged: true }, work, false).id;
  }

  /** Goes on with a fiber that waits; settles as `work` does. @throws BridgeError BRG_FIBER, BRG_FIBERS_FULL */
  resume(id: string, work: Work): Promise<unknown> {
    checkFunction(work);
    const row = this.#table.get(id);
    if (row?.phase.kind !== 'waiting') throw new BridgeError('BRG_FIBER', `no fiber ${id} waits`);
    return this.#launch(row, work, true).result;
  }

  inspect(id: string): FiberInfo | undefined {
    const row = this.#table.get(id);
    return row === undefined ? undefined : describeFiber(row);
  }

  /** The latest first. */
  list({ name, status }: FiberCriteria = {}): FiberInfo[] {
    return this.#table
      .all()
      .sort((a, b) => b.createdAtMs - a.createdAtMs)
      .map(describeFiber)
      .filter((info) => name === undefined || info.name === name)
      .filter((info) => status === undefined || info.status === status);
  }

  /** Whether there was one that had not ended. */
  cancel(id: string): boolean {
    const row = this.#table.get(id);
    if (row === undefined || row.phase.kind === 'ended') return false;
    this.#table.end(row, 'cancelled');
    this.#owners.get(id)?.abort(new BridgeError('BRG_ABORTED', `the fiber ${row.name} was cancelled`));
    return true;
  }

  nextAlarmMs(): number | null {
    const watchMs = this.#isWorking ? this.#seenMs + limits.jobWatchMs : Infinity;
    const next = Math.min(watchMs, this.#recovery.nextMs() ?? Infinity);
    return next === Infinity ? null : next;
  }

  alarm(nowMs: number): void {
    this.#seenMs = nowMs;
    this.#recovery.run(nowMs);
  }

  start(): void {
    this.#seenMs = this.#host.now();
    this.#table.prune();
    this.#recovery.start();
  }

  isBusy(): boolean {
    return this.#isWorking || this.keepAlive.isHeld;
  }

  /** The agent leaves memory for good: the process stops, or nothing is left of it. Rows stay as they are. */
  stop(): void {
    this.#isStopped = true;
    if (this.#live.size === 0) return; // an error costs its stack
    const reason = new BridgeError('BRG_ABORTED', 'the agent was destroyed, or the bridge stops');
    for (const fiber of this.#live) fiber.abort(reason);
  }

  stash(fiber: RunningFiber, data: unknown): void {
    const row = this.#own(fiber);
    const fresh = { attempts: 0, interruptions: 0, troubledSinceMs: null };
    this.#table.put({ ...row, ...fresh, snapshot: storedSnapshot(data) });
  }

  wait(fiber: RunningFiber, data: unknown): void {
    if (data !== undefined) this.stash(fiber, data);
    const row = this.#own(fiber);
    this.#table.put({ ...row, phase: { kind: 'waiting', sinceMs: this.#host.now() } });
  }

  ended(fiber: RunningFiber, outcome: FiberOutcome): void {
    this.#live.delete(fiber);
    // What it left is for the next start of the process, or for nobody.
    if (this.#isStopped) return;
    if (this.#owners.get(fiber.id) === fiber) {
      this.#owners.delete(fiber.id);
      const row = this.#table.get(fiber.id);
      if (row?.phase.kind === 'running') this.#concluded(row, outcome);
    }
    this.#host.rearm();
  }

  #concluded(row: FiberRow, outcome: FiberOutcome): void {
    if (outcome.ok) return this.#table.end(row, 'completed');
    const { error } = outcome;
    this.#table.end(row, 'failed', error);
    if (row.isManaged) return this.#host.report(error);
    // Its caller has the error; who threw the promise away finds it here.
    const err = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#host.warn({ fiber: row.id, name: row.name, err }, 'fiber failed');
  }

  get #isWorking(): boolean {
    return this.#live.size > 0 || this.#recovery.isBusy;
  }

  #launch(from: FiberRow, work: Work, isEager: boolean): RunningFiber {
    if (this.#live.size >= limits.fibersPerAgentMax)
      throw new BridgeError('BRG_FIBERS_FULL', `${limits.fibersPerAgentMax} fibers of the agent run`);
    const now = this.#host.now();
    if (!this.#isWorking) this.#seenMs = now;
    const row: FiberRow = { ...from, phase: { kind: 'running', sinceMs: now } };
    const fiber = new RunningFiber(this.#host, this, row, work);
    this.#live.add(fiber);
    this.#owners.set(row.id, fiber);
    this.#table.put(row);
    this.#host.aside((isCommitted) => this.#begin(fiber, isCommitted), isEager);
    return fiber;
  }

  #begin(fiber: RunningFiber, isCommitted: boolean): void {
    const row = this.#table.get(fiber.id);
    if (this.#owners.get(fiber.id) === fiber && row?.phase.kind === 'running')
      return fiber.begin(row, isCommitted);
    this.#live.delete(fiber);
    if (this.#owners.get(fiber.id) === fiber) this.#owners.delete(fiber.id);
    const message = `the fiber ${fiber.name} was cancelled, or the turn that started it threw`;
    fiber.refuse(new BridgeError('BRG_ABORTED', message));
    this.#host.rearm();
  }

  /** The hook that is to recover a fiber starts it again: it keeps its row, its id and its snapshot. */
  #takenOver(name: string, { fiberId, idempotencyKey }: FiberOptions): FiberRow | undefined {
    const scope = this.#host.scope();
    const row = scope?.kind === 'recovery' ? this.#table.get(scope.id) : undefined;
    if (row?.phase.kind !== 'recovering' || row.name !== name) return undefined;
    const isSame = (fiberId ?? row.id) === row.id && (idempotencyKey ?? row.key) === row.key;
    return isSame ? row : undefined;
  }

  #known({ fiberId, idempotencyKey: key }: FiberOptions): FiberRow | undefined {
    const withId = fiberId === undefined ? undefined : this.#table.get(fiberId);
    const withKey = key === undefined ? undefined : this.#table.withKey(key);
    if (withId === undefined || key === undefined || withId.id === withKey?.id) return withKey ?? withId;
    throw new BridgeError('BRG_FIBER', `fiber ${withId.id} was started with another idempotency key`);
  }

  #newRow(name: string, { fiberId, idempotencyKey: key }: FiberOptions): FiberRow {
    this.#table.checkRoom();
    return {
      id: fiberId ?? this.#host.effectId(),
      name,
      snapshot: null,
      createdAtMs: this.#host.now(),
      isManaged: false,
      ...(key === undefined ? {} : { key }),
      attempts: 0,
      interruptions: 0,
      troubledSinceMs: null,
      phase: { kind: 'running', sinceMs: this.#host.now() },
    };
  }

  #own(fiber: RunningFiber): FiberRow {
    const row = this.#table.get(fiber.id);
    if (this.#owners.get(fiber.id) === fiber && row?.phase.kind === 'running') return row;
    throw new BridgeError('BRG_FIBER', `the fiber ${fiber.name} has ended, or waits`);
  }
}
