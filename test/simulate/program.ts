/** What a message makes a scripted agent do: messages carry their own little programs. */
import type { Dice } from './dice.ts';

export type Step =
  /** The turn goes on asynchronously. */
  | { readonly kind: 'wait'; readonly ms: number }
  /** The turn throws. */
  | { readonly kind: 'fail' }
  /** The turn never ends. */
  | { readonly kind: 'hang' }
  /** The shard's thread ends in the middle of the turn, so many times. */
  | { readonly kind: 'die'; readonly times: number }
  /** A part of the turn that throws, and is taken back. */
  | { readonly kind: 'attempt' }
  /** To be woken then. */
  | { readonly kind: 'alarm'; readonly inMs: number }
  | { readonly kind: 'publish' }
  | { readonly kind: 'ask'; readonly agent: number; readonly timeoutMs: number; readonly steps: Program }
  /** A turn of the thought lane. */
  | { readonly kind: 'later'; readonly steps: Program }
  | { readonly kind: 'aside'; readonly isEager: boolean }
  /** Reads its history, which commits what was written so far. */
  | { readonly kind: 'history' }
  /** Wants to leave memory. */
  | { readonly kind: 'sleep' }
  | { readonly kind: 'forget' };

export type Program = readonly Step[];

/** What an agent is told. */
export interface Input {
  readonly id: string;
  readonly steps: Program;
}

const NO_STEPS: Program = [];

/** @param wildness 0: nothing slow, 1: everything that can go wrong in an author's code */
export function rollProgram(dice: Dice, agents: number, wildness: number, depth = 0): Program {
  const steps: Step[] = [];
  while (steps.length < 4 && dice.isHit(0.45)) steps.push(rollStep(dice, { agents, wildness, depth }));
  return steps.length === 0 ? NO_STEPS : steps;
}

function rollStep(dice: Dice, { agents, wildness, depth }: Bounds): Step {
  if (dice.isHit(0.06 * wildness)) return rollHarm(dice, depth);
  const isDeep = depth >= 2;
  switch (dice.below(isDeep ? 8 : 12)) {
    case 0:
    case 1:
      return { kind: 'wait', ms: dice.isHit(0.2) ? dice.below(400) : dice.below(20) };
    case 2:
      return { kind: 'fail' };
    case 3:
      return { kind: 'attempt' };
    case 4:
      return { kind: 'publish' };
    case 5:
      return { kind: 'alarm', inMs: dice.isHit(0.2) ? dice.below(8000) : dice.below(1200) };
    case 6:
      return dice.isHit(0.3) ? { kind: 'history' } : { kind: 'publish' };
    case 7:
      return { kind: 'sleep' };
    case 8:
      return { kind: 'aside', isEager: dice.isHit(0.5) };
    case 9:
      // Nothing bounds a turn of the thought lane: there, nothing hangs.
      return { kind: 'later', steps: rollProgram(dice, agents, 0, depth + 1) };
    case 10:
      return dice.isHit(0.4) ? { kind: 'forget' } : { kind: 'publish' };
    default: {
      const timeoutMs = dice.isHit(0.3) ? 50 + dice.below(300) : 3000;
      const steps = rollProgram(dice, agents, wildness, depth + 1);
      return { kind: 'ask', agent: dice.below(agents), timeoutMs, steps };
    }
  }
}

interface Bounds {
  readonly agents: number;
  readonly wildness: number;
  readonly depth: number;
}

/** A question is another one in each replay: one that ends the thread would do it again for ever. */
function rollHarm(dice: Dice, depth: number): Step {
  return depth > 0 || dice.isHit(0.5) ? { kind: 'hang' } : { kind: 'die', times: 1 + dice.below(4) };
}
