/**
 * The feed of the agents of the fleet: tells their connections what changes among all agents of the shard, at most once
 * per `fleetFeedIntervalMs`. Nothing of it is stored.
 */
import type { AgentSummary } from '../../actor/index.ts';
import { BridgeError } from '../../base/errors.ts';
import { quantileUs } from '../../base/duration-histogram.ts';
import { limits } from '../../base/limits.ts';
import type { Frame } from '../../wire/index.ts';
import type { AgentParts } from '../agent-parts.ts';
import type { Extension } from '../extension.ts';
import { PlainDesk } from '../plain-desk.ts';

export class FleetFeed extends PlainDesk implements Extension {
  readonly #parts: AgentParts;
  readonly #changed = new Set<string>();
  #stopListening: (() => void) | undefined;
  #cancelTimer: (() => void) | undefined;
  #lastTotals = '';
  #lastCounts: { atMs: number; messages: number; frames: number } | undefined;

  constructor(parts: AgentParts) {
    super(parts);
    this.#parts = parts;
  }

  /** Begins the feed: not `onConnect`, which a connection that outlived a crash of the shard does not get again. */
  override firstFrames(): Frame[] {
    if (this.#stopListening === undefined) {
      this.#stopListening = this.#parts.context.shard.onCommitted((keys) => this.#note(keys));
      this.#arm();
    }
    return [{ type: 'mooring_fleet', rows: [], totals: this.#totals() }];
  }

  /** Whether somebody looks: then it must stay in memory. */
  override isBusy(): boolean {
    return this.#stopListening !== undefined;
  }

  override checkState(): never {
    throw new BridgeError('BRG_FORBIDDEN', 'the fleet has no state that could be set');
  }

  override stop(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#cancelTimer?.();
    this.#changed.clear();
  }

  #note(keys: Iterable<string>): void {
    for (const key of keys) {
      if (this.#changed.size >= limits.listAgentsMax * 100) return;
      this.#changed.add(key);
    }
  }

  #arm(): void {
    this.#cancelTimer = this.#parts.context.shard.after(limits.fleetFeedIntervalMs, () => {
      this.#tell();
      this.#arm();
    });
  }

  #tell(): void {
    const rows: AgentSummary[] = [];
    for (const key of this.#changed) {
      if (rows.length >= limits.fleetFeedRowsMax) break;
      this.#changed.delete(key);
      const row = this.#parts.context.shard.summary(key);
      if (row !== undefined) rows.push(row);
    }
    const totals = this.#totals();
    const text = JSON.stringify(totals);
    if (rows.length === 0 && text === this.#lastTotals) return;
    this.#lastTotals = text;
    this.#parts.outbound.broadcast({ type: 'mooring_fleet', rows, totals });
  }

  #totals(): Record<string, number> {
    const stats = this.#parts.context.shard.totals();
    const pick = (name: string): number => stats[name] ?? 0;
    const frames = pick('framesOutJson') + pick('framesOutCbor');
    const now = { atMs: this.#parts.context.now(), messages: pick('messages'), frames };
    const before = this.#lastCounts ?? now;
    const seconds = (now.atMs - before.atMs) / 1000;
    this.#lastCounts = now;
    const wakeP99Us = quantileUs(stats, 'wakeLight', 0.99);
    const rate = (count: number): number => (seconds > 0 ? Math.round((count / seconds) * 10) / 10 : 0);
    return {
      online: pick('online'),
      offline: pick('offline'),
      never: pick('never'),
      agents: pick('agents'),
      awake: pick('awake'),
      messagesPerSecond: rate(now.messages - before.messages),
      framesPerSecond: rate(now.frames - before.frames),
      cborSavedBytes: pick('cborSavedBytes'),
      rejected: pick('messagesRejected'),
      ...(Number.isNaN(wakeP99Us) ? {} : { wakeP99Us: Math.round(wakeP99Us) }),
    };
  }
}
