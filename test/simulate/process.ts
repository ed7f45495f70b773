/** A process of the bridge: the runtime of its main thread, its shards, and their journal's thread when they are several. */
import { DeathLedger, Runtime, type StartShard } from '../../src/actor/index.ts';
import { asBridgeError } from '../../src/base/errors.ts';
import type { Log } from '../../src/base/log.ts';
import { chanceOf, type Dice } from './dice.ts';
import type { Disk, DiskParts } from './disk.ts';
import { JournalRun } from './journal-run.ts';
import type { Plan } from './plan.ts';
import { ShardRun } from './shard-run.ts';
import { SimThread, type Timeline } from './timeline.ts';
import type { Witness } from './witness.ts';

export interface Process {
  readonly main: SimThread;
  readonly runtime: Runtime;
  readonly runs: readonly (ShardRun | undefined)[];
  /** Of several shards. */
  readonly journal: JournalRun | undefined;
  isStopping: boolean;
}

export interface ProcessSurroundings {
  readonly timeline: Timeline;
  readonly witness: Witness;
  readonly disks: readonly Disk[];
  readonly plan: Plan;
  readonly parts: DiskParts;
  readonly log: Log;
  note(text: string): void;
  /** The process ends itself. */
  end(): void;
}

export function startProcess(
  number: number,
  nowMs: number,
  dice: Dice,
  around: ProcessSurroundings,
): Process {
  const { timeline, disks, log, note, end } = around;
  const fail = (what: string, error: unknown): void => {
    around.witness.violation(`${what} failed: ${asBridgeError(error).stack ?? ''}`);
    end();
  };
  const main = new SimThread(timeline, `main ${number}`, nowMs, dice.fork('main'), (error) =>
    fail('main thread', error),
  );
  const runs: (ShardRun | undefined)[] = disks.map(() => undefined);
  const { latencyMs } = around.plan;
  const journal =
    disks.length === 1
      ? undefined
      : new JournalRun(`${main.name} journal`, {
          main,
          disks,
          dice,
          latencyMs,
          parts: around.parts,
          log,
          failed: (error) => fail('the journal', error),
        });
  const starter = (disk: Disk, shard: number): StartShard => {
    const ledger = new DeathLedger();
    const shape = { ...around.plan, parts: around.parts };
    let lives = 0;
    return (events) => {
      const surroundings = { ...around, main, number: shard, disk, journal, dice, ledger, shape };
      return (runs[shard] = new ShardRun(`${main.name} shard ${shard}.${++lives}`, surroundings, events));
    };
  };
  const runtime = new Runtime({
    shards: disks.map(starter),
    runId: `run${number}`,
    log,
    clock: main,
    chance: chanceOf(dice.fork('chance')),
    onFatal: (error) => {
      note(`the process gives up: ${error.message}`);
      end();
    },
    onCommitted: () => undefined,
  });
  return { main, runtime, runs, journal, isStopping: false };
}
