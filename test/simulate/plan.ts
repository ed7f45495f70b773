/** What happens in one simulation, drawn from its seed before it begins: the same number is the same plan. */
import type { Dice } from './dice.ts';
import { rollProgram, type Program } from './program.ts';

export type DiskTrouble = 'log' | 'database' | 'both';

export type Action =
  | { readonly kind: 'telemetry'; readonly agent: number; readonly qos: 0 | 1; readonly steps: Program }
  | {
      readonly kind: 'request';
      readonly agent: number;
      readonly isDurable: boolean;
      readonly isCreating: boolean;
      readonly timeoutMs: number;
      readonly steps: Program;
    }
  | { readonly kind: 'frame'; readonly agent: number; readonly steps: Program }
  | { readonly kind: 'hang-up'; readonly agent: number }
  | { readonly kind: 'attach' | 'detach'; readonly agent: number }
  | { readonly kind: 'list' }
  /** The process ends without notice; `power`: the machine does. */
  | { readonly kind: 'end'; readonly what: 'shard' | 'process' | 'power'; readonly shard: number }
  /** The same, in the middle of the next write, or beside the next effects. */
  | {
      readonly kind: 'end-at';
      readonly what: 'shard' | 'process' | 'power';
      readonly shard: number;
      readonly step: 'append' | 'commit' | 'checkpoint' | 'post';
      readonly side: 'before' | 'after';
    }
  | { readonly kind: 'full'; readonly shard: number; readonly what: DiskTrouble; readonly forMs: number }
  | { readonly kind: 'slow'; readonly shard: number; readonly factor: number; readonly forMs: number }
  | { readonly kind: 'clock'; readonly byMs: number }
  /** Somebody stops the process, and starts it again. */
  | { readonly kind: 'stop' };

export interface TimedAction {
  readonly atMs: number;
  readonly action: Action;
}

export interface Plan {
  readonly shards: number;
  readonly agents: number;
  readonly idleTimeoutMs: number;
  readonly awakeAgentsMax: number;
  /** Turns behind which its device is told that an agent is busy. */
  readonly agentWaitingMax: number;
  readonly turnDeadlineMs: number;
  readonly latencyMs: number;
  readonly actions: readonly TimedAction[];
}

/** Faults come only before that share of the time: then it must become well. */
const LENGTH_MS = 3000;

export function rollPlan(dice: Dice): Plan {
  // Several share a journal in a thread of its own.
  const shards = dice.isHit(0.6) ? 1 : 2 + dice.below(2);
  const agents = 2 + dice.below(4);
  const wildness = dice.isHit(0.4) ? 0 : dice.next();
  const messages = 8 + dice.below(30);
  const faults = dice.isHit(0.15) ? 0 : 1 + dice.below(4);
  const actions: TimedAction[] = [];
  const burstMs = dice.isHit(0.3) ? dice.between(0, LENGTH_MS) : undefined;
  for (let n = 0; n < messages; n++) {
    const isInBurst = burstMs !== undefined && dice.isHit(0.6);
    const atMs = isInBurst ? burstMs + dice.between(0, 30) : dice.between(0, LENGTH_MS);
    actions.push({ atMs, action: rollWork(dice, agents, wildness) });
  }
  for (let n = 0; n < faults; n++) {
    actions.push({ atMs: dice.between(0, LENGTH_MS), action: rollFault(dice, shards) });
  }
  return {
    shards,
    agents,
    idleTimeoutMs: dice.pick([300, 1500, 5000]),
    awakeAgentsMax: dice.isHit(0.3) ? 2 : 1000,
    agentWaitingMax: dice.isHit(0.3) ? 1 + dice.below(4) : 1000,
    turnDeadlineMs: dice.pick([120, 800, 5000]),
    latencyMs: dice.pick([0.3, 2, 40]),
    actions: actions.sort((a, b) => a.atMs - b.atMs),
  };
}

function rollWork(dice: Dice, agents: number, wildness: number): Action {
  const agent = dice.below(agents);
  const steps = rollProgram(dice, agents, wildness);
  const roll = dice.next();
  if (roll < 0.6) return { kind: 'telemetry', agent, qos: dice.isHit(0.9) ? 1 : 0, steps };
  if (roll < 0.8) {
    const isDurable = dice.isHit(0.6);
    const timeoutMs = dice.isHit(0.2) ? 100 : 10_000;
    return { kind: 'request', agent, isDurable, isCreating: dice.isHit(0.5), timeoutMs, steps };
  }
  if (roll < 0.9) return { kind: 'frame', agent, steps };
  return { kind: dice.pick(['hang-up', 'attach', 'detach'] as const), agent };
}

function rollFault(dice: Dice, shards: number): Action {
  const shard = dice.below(shards);
  const what = dice.pick(['shard', 'shard', 'process', 'power'] as const);
  const forMs = dice.between(10, 1500);
  switch (dice.below(10)) {
    case 0:
    case 1:
      return { kind: 'end', what, shard };
    case 2:
    case 3:
    case 4: {
      const step = dice.pick(['append', 'commit', 'commit', 'checkpoint', 'post'] as const);
      return { kind: 'end-at', what, shard, step, side: dice.pick(['before', 'after'] as const) };
    }
    case 5:
    case 6:
      return { kind: 'full', shard, what: dice.pick(['log', 'database', 'both'] as const), forMs };
    case 7:
      return { kind: 'slow', shard, factor: dice.between(20, 400), forMs };
    case 8:
      return { kind: 'clock', byMs: dice.between(-3000, 3000) };
    default:
      return { kind: 'stop' };
  }
}
