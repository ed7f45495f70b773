/** Runs one seed from the beginning to the end, and says what was wrong. */
import { checkAsleep, checkRows, checkStopped } from './calm.ts';
import { Dice } from './dice.ts';
import { soundParts, type DiskParts } from './disk.ts';
import { rollPlan, type Plan } from './plan.ts';
import { World } from './world.ts';

/** Time for everything to become calm. */
const CALM_MS = 12 * 60_000;
const LOOK_MS = 400;

export interface Outcome {
  readonly seed: number;
  /** Empty: all is well. */
  readonly violations: readonly string[];
  /** Events that ran. */
  readonly steps: number;
  /** Of everything that happened: the same seed has the same. */
  readonly digest: string;
  /** One line for each thing that happened; empty unless asked for. */
  readonly trace: readonly string[];
}

export interface SimulationOptions {
  readonly parts?: DiskParts;
  /** Default: the plan of the seed. */
  readonly plan?: Plan;
  readonly isTraced?: boolean;
}

export function planOf(seed: number): Plan {
  return rollPlan(new Dice(seed).fork('plan'));
}

export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Outcome> {
  const { parts = soundParts, plan = planOf(seed), isTraced = false } = options;
  const trace: string[] = [];
  let digest = 0x811c9dc5;
  const note = (text: string): void => {
    if (isTraced) trace.push(text);
    for (let i = 0; i < text.length; i++) digest = Math.imul(digest ^ text.charCodeAt(i), 0x01000193);
  };
  const world = new World(plan, new Dice(seed), parts, note);
  const onRejection = (error: unknown): void => world.witness.violation(`nobody caught ${String(error)}`);
  process.on('unhandledRejection', onRejection);
  try {
    await play(world, plan);
  } finally {
    process.off('unhandledRejection', onRejection);
    world.close();
  }
  const { violations } = world.witness;
  return { seed, violations, steps: world.timeline.steps, digest: (digest >>> 0).toString(16), trace };
}

async function play(world: World, plan: Plan): Promise<void> {
  const { witness, timeline } = world;
  let isCalm = false;
  let wasCalm = false;
  world.every(LOOK_MS, () => {
    // Twice: what was on its way between two threads has arrived by then.
    isCalm = wasCalm && world.isCalm;
    wasCalm = world.isCalm;
  });
  const isWrong = (): boolean => witness.violations.length > 0;
  await timeline.run(() => isCalm || isWrong(), CALM_MS);
  if (isWrong()) return;
  if (!isCalm) return witness.violation(`it does not become calm: ${world.stirring() ?? 'nothing'}`);
  world.disarm();
  witness.checkPromises(world.disks.map(({ facts }) => facts));
  checkRows(world);
  const untilMs = world.nowMs + plan.idleTimeoutMs + 5000;
  await timeline.run(isWrong, untilMs);
  checkAsleep(world);
  if (isWrong()) return;
  let isStopped = false;
  world.isOver = true;
  world.stopProcess(() => (isStopped = true));
  await timeline.run(() => isStopped || isWrong(), untilMs + 20_000);
  if (!isStopped) return witness.violation('it does not stop');
  checkStopped(world);
}

/** Runs of a seed that look for a shorter plan. */
const MINIMIZING_RUNS_MAX = 150;

/** A shortest plan of a seed that fails: actions are left out as long as anything still goes wrong. */
export async function minimize(
  seed: number,
  parts: DiskParts = soundParts,
): Promise<{ plan: Plan; outcome: Outcome }> {
  let plan = planOf(seed);
  let outcome = await simulate(seed, { parts, plan, isTraced: true });
  let runs = 0;
  for (
    let size = Math.ceil(plan.actions.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < plan.actions.length && runs < MINIMIZING_RUNS_MAX; runs++) {
      const shorter = { ...plan, actions: plan.actions.toSpliced(at, size) };
      const tried = await simulate(seed, { parts, plan: shorter, isTraced: true });
      if (tried.violations.length > 0) [plan, outcome] = [shorter, tried];
      else at += size;
    }
  }
  return { plan, outcome };
}
