/** Everything around the runtime: processes that come and go, disks, devices, people who ask, faults. */
import { pino } from 'pino';
import type { Log } from '../../src/base/log.ts';
import { Device } from './device.ts';
import type { Dice } from './dice.ts';
import { Disk, type DiskParts } from './disk.ts';
import type { Action, Plan } from './plan.ts';
import { MODEL } from './scripted-agent.ts';
import { unrest } from './calm.ts';
import { LogMedium } from './memory-log.ts';
import { People } from './people.ts';
import { startProcess, type Process } from './process.ts';
import { SimThread, Timeline } from './timeline.ts';
import { Viewer } from './viewer.ts';
import { Witness } from './witness.ts';

/** After that a message is tried again whose agent was busy. */
const RETRY_MS = 30;

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
    const medium = new LogMedium();
    this.disks = Array.from(
      { length: plan.shards },
      (_, n) => new Disk(medium, this.witness, dice.fork(`disk ${n}`)),
    );
    const agents = Array.from({ length: plan.agents }, (_, n) => ({ model: MODEL, id: `a${n}` }));
    this.devices = agents.map(
      (address) => new Device(address, this.witness, (run) => this.#inMain(run, RETRY_MS)),
    );
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
    const { runs = [], journal } = this.#process ?? {};
    for (const run of [...runs, journal]) if (run !== undefined) run.armed = undefined;
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
    const { main, runs = [], journal } = this.#process ?? {};
    const threads = [this.#outside, main, journal?.thread, ...runs.map((run) => run?.thread)];
    return Math.max(...threads.map((thread) => thread?.localMs ?? 0));
  }

  // --- processes ----------------------------------------------------------------------------------

  #startProcess(): void {
    if (this.#process !== undefined) return;
    const number = ++this.#processes;
    this.#note(`process ${number} starts`);
    const process = startProcess(number, this.#outside.localMs, this.#dice.fork(`process ${number}`), {
      timeline: this.timeline,
      witness: this.witness,
      disks: this.disks,
      plan: this.#plan,
      parts: this.#parts,
      log: this.#log,
      note: this.#note,
      end: () => this.#crash('process'),
    });
    this.#process = process;
    const { runtime } = process;
    for (const device of this.devices) device.found(runtime);
    for (const viewer of this.#viewers) viewer.found(runtime);
    this.#people.found(runtime);
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
      process.journal?.thread.end();
      for (const run of process.runs) run?.end();
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
        const { runs, journal } = this.#process ?? {};
        const isOfJournal = journal !== undefined && action.step === 'append';
        // Without its journal's thread a process ends.
        const what = isOfJournal && action.what === 'shard' ? 'process' : action.what;
        const run = isOfJournal ? journal : runs?.[action.shard];
        if (run !== undefined) run.armed = { ...action, crash: () => this.#crash(what, action.shard) };
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
    const act = (): void => this.#useNow(action);
    if (this.#process === undefined) act();
    else this.#inMain(act);
  }

  /** Not at all when there is no process any more by then. */
  #inMain(run: () => void, inMs = 0): void {
    const { main } = this.#process ?? {};
    main?.at(Math.max(this.#outside.localMs, main.localMs) + inMs, run);
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
