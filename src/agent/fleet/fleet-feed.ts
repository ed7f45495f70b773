/**
 * The feed of the agents of the fleet: tells their connections what changes among all agents, at most once
 * per `fleetFeedIntervalMs`. Nothing of it is stored.
 */
import { addressKey } from '../../base/address.ts';
import { BridgeError } from '../../base/errors.ts';
import { quantileUs } from '../../base/duration-histogram.ts';
import { limits } from '../../base/limits.ts';
import type { Frame } from '../../wire/index.ts';
import type { AgentParts } from '../agent-parts.ts';
import type { Extension } from '../extension.ts';
import { PlainDesk } from '../plain-desk.ts';

/** One run of the feed, from the first connection to the end of the last. */
interface Run {
  cancelTimer: () => void;
  lastTotals: string;
  lastCounts: { readonly atMs: number; readonly messages: number; readonly frames: number } | undefined;
}

export class FleetFeed extends PlainDesk implements Extension {
  readonly #parts: AgentParts;
  #run: Run | undefined;

  constructor(parts: AgentParts) {
    super(parts);
    this.#parts = parts;
  }

  /**
   * Begins the feed: not `onConnect`, which a connection that outlived a crash of the shard does not get again. The first
   * frame comes when all shards have said how many there are.
   */
  override firstFrames(): Frame[] {
    const run = (this.#run ??= { cancelTimer: () => {}, lastTotals: '', lastCounts: undefined });
    // Whoever comes later gets the totals, too, although they are what they were.
    run.lastTotals = '';
    this.#arm(run, 0);
    return [];
  }

  /** Whether somebody looks: then it must stay in memory. */
  override isBusy(): boolean {
    return this.#run !== undefined;
  }

  override checkState(): never {
    throw new BridgeError('BRG_FORBIDDEN', 'the fleet has no state that could be set');
  }

  override stop(): void {
    this.#run?.cancelTimer();
    this.#run = undefined;
  }

  #arm(run: Run, delayMs: number): void {
    run.cancelTimer();
    run.cancelTimer = this.#parts.context.shard.after(delayMs, () => void this.#tell(run)); // never rejects
  }

  async #tell(run: Run): Promise<void> {
    const { context, outbound } = this.#parts;
    try {
      // First: what changes after the totals are counted is in the changes of the next time.
      const rows = await context.fleet.changes(addressKey(context.address), limits.fleetFeedRowsMax);
      const totals = totalsOf(await context.fleet.totals(), run, context.now());
      if (this.#run !== run) return;
      const text = JSON.stringify(totals);
      if (rows.length > 0 || text !== run.lastTotals) {
        run.lastTotals = text;
        outbound.broadcast({ type: 'mooring_fleet', rows, totals });
      }
    } catch {
      // A shard restarts, or the bridge stops: the next time tells.
    }
    if (this.#run === run) this.#arm(run, limits.fleetFeedIntervalMs);
  }
}

function totalsOf(stats: Readonly<Record<string, number>>, run: Run, atMs: number): Record<string, number> {
  const pick = (name: string): number => stats[name] ?? 0;
  const frames = pick('framesOutJson') + pick('framesOutCbor');
  const now = { atMs, messages: pick('messages'), frames };
  const before = run.lastCounts ?? now;
  const seconds = (now.atMs - before.atMs) / 1000;
  run.lastCounts = now;
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
