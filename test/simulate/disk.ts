/**
 * The disk of one shard: a log and a database in memory, which outlive the shards that are opened on them.
 *
 * I1 The log keeps what was synced; a power loss takes the rest.
 * I2 The database keeps every commit when a process ends. A power loss leaves it as it was at its last
 *    checkpoint or sync, or after some commit since.
 */
import { ShardStore, type AgentChange, type AgentRow } from '../../src/store/index.ts';
import type { Dice } from './dice.ts';
import { Facts, type FactsImage } from './facts.ts';
import { MemoryLog, type LogMedium } from './memory-log.ts';
import { LOG } from './scripted-agent.ts';
import { SimDatabase, type Image } from './sim-database.ts';
import type { Witness } from './witness.ts';

export type DiskStep = 'append' | 'commit' | 'checkpoint';

/** The way of a shard to its disk. */
export interface Gate {
  /** Does one write, unless there is no room, or the thread ends before or after it. */
  pass<T>(step: DiskStep, write: () => T): T;
}

/** The thread, or all of the machine, ended here: nothing after it happens. */
export class Ended extends Error {}

/** A crash that waits for its moment. */
export interface ArmedCrash {
  readonly step: DiskStep | 'post';
  readonly side: 'before' | 'after';
  readonly crash: () => void;
}

/** A thread for which a crash may wait. */
interface ArmedRun {
  readonly thread: { readonly isEnded: boolean };
  armed: ArmedCrash | undefined;
}

/** Has the crash happen that waits for this moment of this thread. @throws Ended when the thread has ended */
export function crashIfArmed(run: ArmedRun, step: ArmedCrash['step'], side: ArmedCrash['side']): void {
  if (run.thread.isEnded) throw new Ended('after the end');
  if (run.armed?.step !== step || run.armed.side !== side) return;
  const { crash } = run.armed;
  run.armed = undefined;
  crash();
  if (run.thread.isEnded) throw new Ended(`${side} ${step}`);
}

/** Parts of a disk that a test replaces by faulty ones. */
export interface DiskParts {
  readonly openLog: (medium: LogMedium, gate: Gate) => MemoryLog;
  readonly openStore: (disk: Disk, gate: Gate) => SimStore;
}

export const soundParts: DiskParts = {
  openLog: (medium, gate) => new GatedLog(medium, gate),
  openStore: (disk, gate) => new SimStore(disk, gate),
};

export class Disk {
  /** Shards that have one journal share it. */
  readonly medium: LogMedium;
  readonly facts = new Facts();
  readonly witness: Witness;
  readonly #dice: Dice;
  readonly database = SimDatabase.take();
  /** Of agents that were forgotten. */
  readonly #gone = new WeakSet<AgentRow>();
  #survivor: { image: Image; facts: FactsImage } = { image: [], facts: [] };
  /** Since then there is no room for these. */
  full: 'nothing' | 'log' | 'database' | 'both' = 'nothing';
  /** How much longer everything takes. */
  slowness = 1;

  constructor(medium: LogMedium, witness: Witness, dice: Dice) {
    this.medium = medium;
    this.witness = witness;
    this.#dice = dice;
  }

  isFullFor(step: DiskStep): boolean {
    return this.full === 'both' || this.full === (step === 'append' ? 'log' : 'database');
  }

  /** A transaction was committed. */
  committed(changes: Iterable<AgentChange>): void {
    for (const { row, cells, isForgotten } of changes) {
      const key = `${row.model}/${row.id}`;
      for (const [name, json] of cells) {
        if (name === LOG && json !== null)
          this.witness.committed(this.facts, key, row.key, JSON.parse(json) as string[]);
      }
      if (!isForgotten) continue;
      if (this.#gone.has(row)) this.witness.violation(`${key} wrote something after it was forgotten`);
      this.#gone.add(row);
      this.facts.forget(key, row.key);
    }
    if (this.#dice.isHit(0.15)) this.#keep();
  }

  /** Everything committed so far is safe. */
  synced(): void {
    this.#keep();
  }

  losePower(): void {
    this.medium.lose();
    this.database.restore(this.#survivor.image);
    this.facts.restore(this.#survivor.facts);
  }

  close(): void {
    this.database.giveBack();
  }

  #keep(): void {
    this.#survivor = { image: this.database.image(), facts: this.facts.image() };
  }
}

class GatedLog extends MemoryLog {
  readonly #gate: Gate;

  constructor(medium: LogMedium, gate: Gate) {
    super(medium);
    this.#gate = gate;
  }

  override appendAll(...given: Parameters<MemoryLog['appendAll']>): number[] {
    return this.#gate.pass('append', () => super.appendAll(...given));
  }
}

export class SimStore extends ShardStore {
  readonly #disk: Disk;
  readonly #gate: Gate;

  constructor(disk: Disk, gate: Gate) {
    super(':memory:', { database: disk.database.reopen() });
    this.#disk = disk;
    this.#gate = gate;
  }

  override commit(changes: Iterable<AgentChange> & { readonly length: number }, watermark: number): void {
    this.#gate.pass('commit', () => {
      super.commit(changes, watermark);
      this.#disk.committed(changes);
    });
  }

  override checkpointStep(): number | undefined {
    return this.#gate.pass('checkpoint', () => {
      const watermark = super.checkpointStep();
      if (watermark !== undefined) this.#disk.synced();
      return watermark;
    });
  }

  override syncCommitted(): void {
    this.#gate.pass('checkpoint', () => this.#disk.synced());
  }

  /** The database stays: it is the disk's. */
  override close(): void {}
}
