/**
 * Lets a bridge live and end badly, over and over, under the load of real clients which keep book of what was
 * acknowledged to them; looks after each start whether the bridge has it.
 *
 *   start -> ready -> checks -> load -> an ending of plan.ts -> (power loss) -> start ...
 *   at the end: start -> checks -> load -> all settled -> checks, nothing may be missing -> SIGTERM -> files checked
 */
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomStream } from '../../firmware-sim/random.ts';
import { Bridge, type BridgeAddress } from './bridge.ts';
import { ChatLoad } from './chat-load.ts';
import { brokenFiles } from './data-files.ts';
import { DeviceLoad } from './device-load.ts';
import { FaultControl } from './fault-shim.ts';
import { JobLoad } from './job-load.ts';
import { pause, within, type Load } from './load.ts';
import { lifeOf, needsShim, type Ending, type Life } from './plan.ts';
import { losePower } from './power-loss.ts';
import { StreamLoad } from './stream-load.ts';
import { TwinLoad } from './twin-load.ts';

/** By then a bridge has ended that is to end by itself, or goes on when it is to. */
const REACTION_MS = 20_000;
const LOG_ERROR = 50;
const DISK_COUNTS = ['syncs', 'failedSyncs', 'failedWrites', 'fullHits', 'shortWrites'] as const;

export interface CrashSettings {
  readonly seed: number;
  /** Ends after this many lives that ended badly, or after this time, whichever is later; 0: not by that. */
  readonly kills: number;
  readonly minutes: number;
  /** Path of the fault shim; null: kills only. */
  readonly shim: string | null;
  /** An empty directory of its own. */
  readonly directory: string;
  readonly runMsMax: number;
  /** Messages of volume a second, at most. */
  readonly rate: number;
  /** Delay of a schedule, at most. */
  readonly delaySecondsMax: number;
  /** Threads of the bridge that hold agents; null: its default. */
  readonly shards: number | null;
  readonly say: (line: string) => void;
}

export interface CrashReport {
  readonly seed: number;
  readonly lives: number;
  /** Lives that ended badly: all but those stopped by SIGTERM. */
  readonly kills: number;
  readonly endings: Readonly<Partial<Record<Ending, number>>>;
  readonly endedInStart: number;
  readonly acks: Readonly<Record<string, number>>;
  readonly acksTotal: number;
  readonly disk: Readonly<Record<(typeof DISK_COUNTS)[number], number>>;
  readonly seconds: number;
  /** Errors the bridge logged, by their words. */
  readonly logged: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
}

export class CrashRun {
  readonly #settings: CrashSettings;
  readonly #root: string;
  readonly #loads: readonly Load[];
  readonly #endings: Partial<Record<Ending, number>> = {};
  readonly #disk = { syncs: 0, failedSyncs: 0, failedWrites: 0, fullHits: 0, shortWrites: 0 };
  readonly #logged: Record<string, number> = {};
  readonly #wrong: string[] = [];
  #lives = 0;
  #endedInStart = 0;

  constructor(settings: CrashSettings) {
    this.#settings = settings;
    this.#root = join(settings.directory, 'disk');
    const random = randomStream(settings.seed, 'loads');
    this.#loads = [
      new StreamLoad({ devices: 16, inFlight: 64, rate: settings.rate }),
      new DeviceLoad({ random, devices: 4, intervalMs: 10, commandIntervalMs: 250 }),
      new JobLoad({ random, agents: 8, intervalMs: 120, delaySecondsMax: settings.delaySecondsMax }),
      new ChatLoad({ random, chats: 3, intervalMs: 150 }),
      new TwinLoad({ random, devices: 3, intervalMs: 60 }),
    ];
  }

  /** Ends with the first life after which something is wrong. */
  async run(): Promise<CrashReport> {
    const startMs = performance.now();
    const { kills, minutes, seed, shim, runMsMax } = this.#settings;
    await mkdir(this.#root, { recursive: true });
    while (this.#wrong.length === 0) {
      const isOver = performance.now() - startMs > minutes * 60_000 && this.#killCount >= kills;
      if (isOver) break;
      const life = lifeOf(seed, ++this.#lives, shim !== null, runMsMax);
      await this.#live(life);
      this.#endings[life.ending] = (this.#endings[life.ending] ?? 0) + 1;
      if (life.isEndedInStart) this.#endedInStart++;
    }
    if (this.#wrong.length === 0) await this.#last();
    return this.#report((performance.now() - startMs) / 1000);
  }

  get #killCount(): number {
    return Object.values(this.#endings).reduce((sum, n) => sum + n, 0) - (this.#endings.stop ?? 0);
  }

  async #live(life: Life): Promise<void> {
    const { directory, shim } = this.#settings;
    const isOnFaultyDisk = shim !== null && needsShim(life.ending);
    const control = isOnFaultyDisk ? new FaultControl(join(directory, 'control'), life.seed) : undefined;
    const log = join(directory, 'disk-log');
    const base = join(directory, 'base');
    if (isOnFaultyDisk) {
      await rm(log, { force: true });
      await rm(base, { recursive: true, force: true });
      await cp(this.#root, base, { recursive: true });
    }
    control?.order({ shortPermille: life.shortPermille, syncMicrosMax: life.syncMicrosMax });
    const bridge = this.#bridge(
      control === undefined || shim === null ? {} : control.environment(shim, this.#root, log),
    );
    try {
      if (life.isEndedInStart) await pause(life.runMs);
      else await this.#work(life, bridge, control);
      await bridge.end('SIGKILL');
    } finally {
      for (const load of this.#loads) load.stop();
      await bridge.end('SIGKILL');
      this.#noteLog(bridge.log);
      this.#noteDisk(control);
    }
    if (isOnFaultyDisk && life.ending !== 'disk-full') await this.#losePower(life, base, log);
    this.#say(life);
  }

  #bridge(shim: Readonly<Record<string, string>>): Bridge {
    const { shards } = this.#settings;
    const threads: Record<string, string> = shards === null ? {} : { MOORING_SHARDS: String(shards) };
    return new Bridge(join(this.#root, 'data'), { ...shim, ...threads });
  }

  async #work(life: Life, bridge: Bridge, control: FaultControl | undefined): Promise<void> {
    const address = await bridge.ready();
    if (address === null)
      return void this.#fail(life, `it did not start; its log:\n${bridge.log.slice(-3000)}`);
    await this.#check(life, address, false);
    if (this.#wrong.length > 0) return;
    await Promise.all(this.#loads.map((load) => load.start(address)));
    await Promise.race([pause(life.runMs), bridge.ended]);
    if (!bridge.isRunning)
      return void this.#fail(life, `it ended by itself; its log:\n${bridge.log.slice(-3000)}`);
    await this.#end(life, bridge, control);
  }

  async #end(life: Life, bridge: Bridge, control: FaultControl | undefined): Promise<void> {
    switch (life.ending) {
      case 'kill':
      case 'power-loss':
        return;
      case 'stop': {
        const { code, signal } = await bridge.end('SIGTERM');
        if (code !== 0)
          this.#fail(life, `SIGTERM ended it with ${code ?? signal}:\n${bridge.log.slice(-3000)}`);
        return;
      }
      case 'sync-error': {
        control?.order({ syncFailsAfter: life.failsAfter });
        const hasEnded = await within(REACTION_MS, () => !bridge.isRunning);
        if (!hasEnded) this.#fail(life, 'it went on after a failed fsync');
        return;
      }
      case 'write-error':
        control?.order({ writeFailsAfter: life.failsAfter });
        await within(REACTION_MS, () => (control?.count('failedWrites') ?? 0) > 0);
        await Promise.race([pause(500), bridge.ended]);
        return;
      case 'disk-full':
        await this.#fill(life, bridge, control);
    }
  }

  async #fill(life: Life, bridge: Bridge, control: FaultControl | undefined): Promise<void> {
    control?.order({ isFull: 1 });
    await Promise.race([pause(life.fullMs), bridge.ended]);
    control?.order({ isFull: 0 });
    const acks = this.#acksTotal;
    const goesOn = await within(REACTION_MS, () => !bridge.isRunning || this.#acksTotal > acks + 100);
    if (!goesOn || !bridge.isRunning) {
      const what = bridge.isRunning ? 'it did not go on when the disk had room' : 'a full disk ended it';
      this.#fail(life, `${what}; its log:\n${bridge.log.slice(-3000)}`);
    }
  }

  async #losePower(life: Life, base: string, log: string): Promise<void> {
    const { directory } = this.#settings;
    const out = join(directory, 'left');
    const random = randomStream(life.seed, 'power-loss');
    losePower({ root: this.#root, base, log, out, random });
    // What it was before the power loss, to look at when something is wrong.
    const before = join(directory, 'before');
    await rm(before, { recursive: true, force: true });
    await rename(this.#root, before);
    await rename(out, this.#root);
  }

  async #last(): Promise<void> {
    const life: Life = { ...lifeOf(this.#settings.seed, this.#lives + 1, false, 0), ending: 'stop' };
    const bridge = this.#bridge({});
    try {
      const address = await bridge.ready();
      if (address === null)
        return void this.#fail(life, `it did not start; its log:\n${bridge.log.slice(-3000)}`);
      await this.#check(life, address, false);
      await Promise.all(this.#loads.map((load) => load.start(address)));
      await Promise.all(this.#loads.map((load) => load.settle(address)));
      await this.#check(life, address, true);
      for (const load of this.#loads) load.stop();
      await this.#end(life, bridge, undefined);
      for (const broken of await brokenFiles(join(this.#root, 'data'))) this.#fail(life, broken);
    } finally {
      for (const load of this.#loads) load.stop();
      await bridge.end('SIGKILL');
      this.#noteLog(bridge.log);
    }
  }

  async #check(life: Life, address: BridgeAddress, isSettled: boolean): Promise<void> {
    try {
      const wrong = await Promise.all(this.#loads.map((load) => load.check(address, isSettled)));
      for (const what of wrong.flat()) this.#fail(life, what);
    } catch (error) {
      this.#fail(life, String(error));
    }
    const files = await readdir(join(this.#root, 'data'), { recursive: true });
    for (const file of files)
      if (file.includes('.damaged-')) this.#fail(life, `${file} was put aside as damaged`);
  }

  #fail({ number }: Life, what: string): void {
    this.#wrong.push(`life ${number}: ${what}`);
  }

  get #acksTotal(): number {
    return this.#loads.reduce((sum, { acks }) => sum + acks, 0);
  }

  #noteDisk(control: FaultControl | undefined): void {
    if (control === undefined) return;
    for (const field of DISK_COUNTS) this.#disk[field] += control.count(field);
    control.close();
  }

  #noteLog(log: string): void {
    for (const line of log.split('\n')) {
      if (!line.startsWith('{')) continue;
      try {
        const { level, msg } = JSON.parse(line) as { level: number; msg: string }; // pino writes them
        if (level >= LOG_ERROR) this.#logged[msg] = (this.#logged[msg] ?? 0) + 1;
      } catch {
        // Its last line, cut off by its end.
      }
    }
  }

  #say({ number, ending, runMs, isEndedInStart }: Life): void {
    const when = isEndedInStart ? 'in its start, after' : 'after';
    const acks = this.#acksTotal.toLocaleString('en-US');
    this.#settings.say(
      `life ${number}: ${ending} ${when} ${(runMs / 1000).toFixed(1)} s; ${acks} acknowledged`,
    );
  }

  #report(seconds: number): CrashReport {
    return {
      seed: this.#settings.seed,
      lives: this.#lives,
      kills: this.#killCount,
      endings: this.#endings,
      endedInStart: this.#endedInStart,
      acks: Object.fromEntries(this.#loads.map(({ name, acks }) => [name, acks])),
      acksTotal: this.#acksTotal,
      disk: this.#disk,
      seconds,
      logged: this.#logged,
      wrong: this.#wrong,
    };
  }
}
