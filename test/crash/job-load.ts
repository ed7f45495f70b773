/**
 * Calls that do something at once, at a time, or from the queue: over HTTP and over WebSockets, to agents with a file
 * of their own and without. What was called and not answered may have been done or not, but never twice.
 */
import type { BridgeAddress } from './bridge.ts';
import { ask, asked, pause, within, type Load, type LoadSettings } from './load.ts';
import { RpcSocket } from './rpc-socket.ts';

const SETTLE_MS = 30_000;
/** A job that is due begins within this, on a busy machine after a crash as well. */
const JOB_GRACE_MS = 12_000;

/** The method that asks for it, and what its run leaves. */
const KINDS = { put: 'put', later: 'fire', push: 'work' } as const;
type Method = keyof typeof KINDS;
const METHODS = Object.keys(KINDS) as Method[];

/** Of crash-devices.ts. */
interface Report {
  readonly done: Readonly<Record<string, readonly number[]>>;
  readonly waiting: Readonly<Record<string, readonly number[]>>;
}

interface Job {
  readonly k: number;
  readonly dueMs: number;
  isAcked: boolean;
}

export interface JobSettings extends LoadSettings {
  readonly agents: number;
  readonly intervalMs: number;
  readonly delaySecondsMax: number;
}

export class JobLoad implements Load {
  readonly name = 'calls, schedules, queue';
  readonly #workers: Worker[];

  constructor(settings: JobSettings) {
    this.#workers = Array.from({ length: settings.agents }, (_, n) => {
      const model = n % 2 === 0 ? 'crash-heavy' : 'crash-light';
      return new Worker(`${model}/w${n}`, n % 4 >= 2, settings);
    });
  }

  get acks(): number {
    return this.#workers.reduce((sum, { acks }) => sum + acks, 0);
  }

  async start(bridge: BridgeAddress): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.start(bridge)));
  }

  stop(): void {
    for (const worker of this.#workers) worker.stop();
  }

  async settle(bridge: BridgeAddress): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.settle(bridge)));
  }

  async check(bridge: BridgeAddress): Promise<string[]> {
    return (await Promise.all(this.#workers.map((worker) => worker.check(bridge)))).flat();
  }
}

class Worker {
  acks = 0;
  readonly #path: string;
  readonly #isSocket: boolean;
  readonly #settings: JobSettings;
  readonly #jobs: Record<Method, Job[]> = { put: [], later: [], push: [] };
  #life = 0;
  #rpc: RpcSocket | undefined;
  /** The bridge that was last seen, and since when. */
  #seen: BridgeAddress | undefined;
  #seenMs = 0;

  constructor(path: string, isSocket: boolean, settings: JobSettings) {
    this.#path = path;
    this.#isSocket = isSocket;
    this.#settings = settings;
  }

  async start(bridge: BridgeAddress): Promise<void> {
    const life = ++this.#life;
    this.#see(bridge);
    this.#rpc = this.#isSocket ? await RpcSocket.open(bridge, this.#path) : undefined;
    void this.#work(bridge, life);
  }

  stop(): void {
    this.#life++;
    this.#rpc?.close();
    this.#rpc = undefined;
  }

  /** Waits until nothing that was acknowledged is still to be done. */
  async settle(bridge: BridgeAddress): Promise<void> {
    this.#life++;
    await within(SETTLE_MS, async () => {
      const { done } = await this.#report(bridge);
      return METHODS.every((method) => {
        const runs = new Set(done[KINDS[method]]);
        return this.#jobs[method].every(({ k, isAcked }) => !isAcked || runs.has(k));
      });
    });
  }

  async check(bridge: BridgeAddress): Promise<string[]> {
    this.#see(bridge);
    if (METHODS.every((method) => this.#jobs[method].length === 0)) return [];
    // What is acknowledged while the report is made need not be in it.
    const acked = new Map(
      METHODS.map((method) => [method, this.#jobs[method].filter(({ isAcked }) => isAcked)]),
    );
    const nowMs = Date.now();
    const { done, waiting } = await this.#report(bridge);
    return METHODS.flatMap((method) => {
      const kind = KINDS[method];
      return this.#compare(method, acked.get(method) ?? [], done[kind] ?? [], new Set(waiting[kind]), nowMs);
    });
  }

  #compare(
    method: Method,
    acked: readonly Job[],
    runs: readonly number[],
    waiting: ReadonlySet<number>,
    nowMs: number,
  ): string[] {
    const wrong: string[] = [];
    const about = `${this.#path}: ${method}`;
    const seen = new Set<number>();
    for (const k of runs) {
      if (seen.has(k)) wrong.push(`${about} ${k} was done twice`);
      seen.add(k);
    }
    const known = new Set(this.#jobs[method].map(({ k }) => k));
    for (const k of seen) if (!known.has(k)) wrong.push(`${about} ${k} was done, and nobody asked for it`);
    for (const { k, dueMs } of acked) {
      const isDue = method === 'put' || nowMs > Math.max(dueMs, this.#seenMs) + JOB_GRACE_MS;
      if (seen.has(k)) continue;
      if (!waiting.has(k)) wrong.push(`${about} ${k} was acknowledged, and is not done and not to be done`);
      else if (isDue) wrong.push(`${about} ${k} was acknowledged and is not done yet`);
    }
    // One caller, one call after the other: what is done at once, and the queue, have that order.
    if (method !== 'later' && runs.some((k, index) => index > 0 && k < (runs[index - 1] ?? 0))) {
      wrong.push(`${about}: not in order`);
    }
    return wrong;
  }

  #see(bridge: BridgeAddress): void {
    if (this.#seen === bridge) return;
    this.#seen = bridge;
    this.#seenMs = Date.now();
  }

  async #report(bridge: BridgeAddress): Promise<Report> {
    const answer = await asked(bridge, 'POST', `/api/agents/${this.#path}/call/report`, { args: [] });
    return (answer as { value: Report }).value; // crash-devices.ts
  }

  async #work(bridge: BridgeAddress, life: number): Promise<void> {
    const { random, intervalMs, delaySecondsMax } = this.#settings;
    for (;;) {
      await pause(random.between(0.2, 1.8) * intervalMs);
      if (life !== this.#life) return;
      const method = METHODS[Math.floor(random.next() * METHODS.length)] ?? 'put';
      const seconds = method === 'later' ? random.between(0.05, delaySecondsMax) : 0;
      const jobs = this.#jobs[method];
      const job: Job = { k: jobs.length, dueMs: Date.now() + seconds * 1000, isAcked: false };
      jobs.push(job);
      const isDone = await this.#call(bridge, method, method === 'later' ? [job.k, seconds] : [job.k]);
      if (!isDone) continue;
      job.isAcked = true;
      this.acks++;
    }
  }

  async #call(bridge: BridgeAddress, method: Method, args: readonly number[]): Promise<boolean> {
    if (this.#isSocket) return (await this.#rpc?.call(method, args)) ?? false;
    return (await ask(bridge, 'POST', `/api/agents/${this.#path}/call/${method}`, { args })) !== undefined;
  }
}
