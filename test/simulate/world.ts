/** Everything around the runtime: processes that come and go, disks, devices, people who ask, faults. */
import { pino } from 'pino';
import { DeathLedger, Runtime, type StartShard } from '../../src/actor/index.ts';
import { asBridgeError } from '../../src/base/errors.ts';
import type { Log } from '../../src/base/log.ts';
import { Device } from './device.ts';
import { chanceOf, type Dice } from './dice.ts';
import { Disk, type DiskParts } from './disk.ts';
import type { Action, Plan } from './plan.ts';
import { MODEL } from './scripted-agent.ts';
import { unrest } from './calm.ts';
import { People } from './people.ts';
import { ShardRun } from './shard-run.ts';
import { SimThread, Timeline } from './timeline.ts';
import { Viewer } from './viewer.ts';
import { Witness } from './witness.ts';

export interface Process {
  readonly main: SimThread;
  readonly runtime: Runtime;
  readonly runs: (ShardRun | undefined)[];
  isStopping: boolean;
}

export class World {
  readonly timeline = new Timeline();
  readonly witness: Witness;
  readonly disks: readonly Disk[];
  readonly devices: readonly Device[];
  readonly #viewers: readonly Viewer[];
  readonly #plan: Plan;
  readonly #dice: Dice;
  readonly #parts: DiskParts;
  readonly #log: Log;
  /** Runs nothing of the runtime: the world outside. */
  readonly #outside: SimThread;
  readonly #note: (text: string) => void;
  #process: Process | undefined;
  #processes = 0;
  #actionsLeft: number;
  readonly #people: People;

  constructor(plan: Plan, dice: Dice, parts: DiskParts, note: (text: string) => void) {
    this.#plan = plan;
    this.#dice = dice;
    this.#parts = parts;
    this.#note = (text) => note(`${this.nowMs.toFixed(2).padStart(9)}  ${text}`);
    this.witness = new Witness(this.#note);
    this.#log = pino({ level: 'silent' });
    this.#outside = new SimThread(this.timeline, 'outside', 0, dice.fork('outside'), (error) => {
      throw error;
    });
    this.disks = Array.from(
      { length: plan.shards },
      (_, n) => new Disk(this.witness, dice.fork(`disk ${n}`)),
    );
    const agents = Array.from({ length: plan.agents }, (_, n) => ({ model: MODEL, id: `a${n}` }));
    this.devices = agents.map((address) => new Device(address, this.witness));
    this.#viewers = agents.map((address) => new Viewer(address, this.witness));
    this.#people = new People(this.witness);
    this.#actionsLeft = plan.actions.length;
    this.#outside.at(0, () => this.#startProcess());
    for (const { atMs, action } of plan.actions) {
      this.#outside.at(atMs, () => {
        this.#actionsLeft--;
        this.#act(action);
      });
    }
  }

  get process(): Process | undefined {
    return this.#process;
  }

  /** Everything that was to happen has happened, and nothing is under way. */
  get isCalm(): boolean {
    return this.stirring() === undefined;
  }

  /** What is still under way, for people. */
  stirring(): string | undefined {
    if (this.#actionsLeft > 0) return `${this.#actionsLeft} actions`;
    if (this.disks.some(({ full, slowness }) => full !== 'nothing' || slowness > 1)) return 'a fault';
    const { runtime, runs } = this.#process ?? {};
    if (runtime === undefined || runs === undefined) return 'a start';
    for (const device of this.devices) {
      if (device.unacknowledged > 0) return `${device.unacknowledged} messages without PUBACK`;
    }
    if (this.#people.open > 0) return `${this.#people.open} requests without an answer`;
    if (runtime.readiness().kind !== 'ready') return `readiness ${runtime.readiness().kind}`;
    return runs
      .map((run) => (run === undefined ? 'no shard' : unrest(run)))
      .find((what) => what !== undefined);
  }

  /** No crash waits for its moment any more. */
  disarm(): void {
    for (const run of this.#process?.runs ?? []) if (run !== undefined) run.armed = undefined;
  }

  /** Ends the process in order. @param then called when it has ended */
  stopProcess(then: () => void): void {
    const process = this.#process;
    if (process === undefined || process.isStopping) return;
    process.isStopping = true;
    this.#note('the process is stopped');
    process.main.at(process.main.localMs, () => {
      void process.runtime.stop().then(() => {
        if (process.main.isEnded) return;
        this.#endProcess();
        then();
      });
    });
  }

  /** Calls back now and then, outside. */
  every(ms: number, look: () => void): void {
    const step = (): void => {
      look();
      this.#outside.at(this.#outside.localMs + ms, step);
    };
    this.#outside.at(this.#outside.localMs + ms, step);
  }

  close(): void {
    for (const disk of this.disks) disk.close();
  }

  get nowMs(): number {
    const { main, runs } = this.#process ?? {};
    const threads = [this.#outside, main, ...(runs ?? []).map((run) => run?.thread)];
    return Math.max(...threads.map((thread) => thread?.localMs ?? 0));
  }

  // --- processes ----------------------------------------------------------------------------------

  #startProcess(): void {
    if (this.#process !== undefined) return;
    const number = ++this.#processes;
    this.#note(`process ${number} starts`);
    const dice = this.#dice.fork(`process ${number}`);
    const fail = (error: unknown): void => {
      this.witness.violation(`main thread failed: ${asBridgeError(error).stack ?? ''}`);
      this.#crash('process');
    };
    const main = new SimThread(
      this.timeline,
      `main ${number}`,
      this.#outside.localMs,
      dice.fork('main'),
      fail,
    );
    const runs: (ShardRun | undefined)[] = this.disks.map(() => undefined);
    const runtime = new Runtime({
      shards: this.disks.map((_, index) => this.#shardOf(index, main, runs, dice)),
      runId: `run${number}`,
      log: this.#log,
      clock: main,
      chance: chanceOf(dice.fork('chance')),
      onFatal: (error) => {
        this.#note(`the process gives up: ${error.message}`);
        this.#crash('process');
      },
      onCommitted: () => undefined,
    });
    this.#process = { main, runtime, runs, isStopping: false };
    for (const device of this.devices) device.found(runtime);
    for (const viewer of this.#viewers) viewer.found(runtime);
    this.#people.found(runtime);
  }

  #shardOf(index: number, main: SimThread, runs: (ShardRun | undefined)[], dice: Dice): StartShard {
    const ledger = new DeathLedger();
    let lives = 0;
    return (events) => {
      const { timeline, witness } = this;
      const disk = this.disks[index];
      if (disk === undefined) throw new Error('each shard has a disk');
      const shape = { ...this.#plan, parts: this.#parts };
      const around = { timeline, main, disk, dice, witness, ledger, shape, log: this.#log, note: this.#note };
      const run = new ShardRun(`${main.name} shard ${index}.${++lives}`, around, events);
      runs[index] = run;
      return run;
    };
  }

  /** @param shard whose thread ends, when only that does */
  #crash(what: 'shard' | 'process' | 'power', shard = 0): void {
    const process = this.#process;
    if (what === 'shard') {
      process?.runs[shard]?.crash(new Error('the thread was ended'));
      return;
    }
    this.#note(what === 'power' ? 'the power fails' : 'the process is killed');
    this.#endProcess();
    if (what !== 'power') return;
    this.witness.powerLosses++;
    for (const disk of this.disks) disk.losePower();
  }

  #endProcess(): void {
    const process = this.#process;
    this.#process = undefined;
    if (process !== undefined) {
      process.main.end();
      for (const run of process.runs) run?.thread.end();
    }
    for (const device of this.devices) device.lost();
    for (const viewer of this.#viewers) viewer.lost();
    this.#people.lost();
    const atMs = Math.max(this.#outside.localMs, process?.main.localMs ?? 0) + this.#dice.between(1, 200);
    if (!this.isOver) this.#outside.at(atMs, () => this.#startProcess());
  }

  /** No process is started any more. */
  isOver = false;

  // --- what happens -------------------------------------------------------------------------------

  #act(action: Action): void {
    switch (action.kind) {
      case 'end':
        return this.#crash(action.what, action.shard);
      case 'end-at': {
        const run = this.#process?.runs[action.shard];
        if (run !== undefined) run.armed = { ...action, crash: () => this.#crash(action.what, action.shard) };
        return;
      }
      case 'full':
        this.#note(`disk ${action.shard}: no room for ${action.what}`);
        this.#trouble(action.shard, action.forMs, (disk, isOver) => {
          disk.full = isOver ? 'nothing' : action.what;
        });
        return;
      case 'slow':
        this.#note(`disk ${action.shard} is slow`);
        this.#trouble(action.shard, action.forMs, (disk, isOver) => {
          disk.slowness = isOver ? 1 : action.factor;
        });
        return;
      case 'clock':
        this.#note(`the clock is moved by ${action.byMs.toFixed(0)} ms`);
        this.timeline.skewMs += action.byMs;
        return;
      case 'stop':
        return this.stopProcess(() => undefined);
      default:
        this.#use(action);
    }
  }

  #trouble(shard: number, forMs: number, set: (disk: Disk, isOver: boolean) => void): void {
    const disk = this.disks[shard];
    if (disk === undefined) return;
    set(disk, false);
    this.#outside.at(this.#outside.localMs + forMs, () => set(disk, true));
  }

  /** Happens in the main thread; without one, devices keep what they have to say. */
  #use(action: Action): void {
    const process = this.#process;
    const act = (): void => this.#useNow(action);
    if (process === undefined) act();
    else process.main.at(Math.max(this.#outside.localMs, process.main.localMs), act);
  }

  #useNow(action: Action): void {
    if (action.kind === 'list') return;
    if (!('agent' in action)) return;
    const device = this.devices[action.agent];
    const viewer = this.#viewers[action.agent];
    if (device === undefined || viewer === undefined) return;
    switch (action.kind) {
      case 'telemetry':
        return device.say(action.qos, action.steps);
      case 'attach':
        return device.attach();
      case 'detach':
        return device.detach();
      case 'frame':
        return viewer.say(action.steps);
      case 'hang-up':
        return viewer.hangUp();
      case 'request':
        this.#people.ask(action);
    }
  }
}
