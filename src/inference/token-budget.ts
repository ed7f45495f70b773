/** How many tokens an agent may use a day. The port, and the implementation that forgets with the process. */
import type { Clock } from '../base/clock.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

const DAY_MS = 24 * 3_600_000;

/** Tokens held for one request. */
export interface Reservation {
  /** What was left of the day before the hold. */
  readonly leftTokens: number;
  /** Ends the hold; what was really used counts. Once; later calls do nothing. */
  settle(usedTokens: number): void;
}

/** Counts tokens of agents by day (UTC). Synchronous: it is asked before each request. */
export interface TokenBudget {
  /**
   * Holds `wantedTokens` for a request of `agent`, or what is left if that is less.
   * @throws BridgeError BRG_MODEL_BUDGET when less than `leastTokens` are left; `details.retryAfterMs` says until when
   */
  reserve(agent: string, leastTokens: number, wantedTokens: number): Reservation;
  /** Used and held today, both in tokens. */
  usedToday(agent: string): number;
}

/** A budget in memory: with each restart the day begins anew. @public */
export class MemoryTokenBudget implements TokenBudget {
  readonly #clock: Clock;
  readonly #perDay: number;
  #day = -1;
  /** Tokens used and held today, by agent. */
  #used = new Map<string, number>();

  /** `tokensPerDay` of each agent; Infinity: no budget. */
  constructor(clock: Clock, tokensPerDay: number = limits.modelTokensPerDay) {
    this.#clock = clock;
    this.#perDay = tokensPerDay;
  }

  /** See TokenBudget. @throws BridgeError BRG_MODEL_BUDGET */
  reserve(agent: string, leastTokens: number, wantedTokens: number): Reservation {
    const used = this.usedToday(agent);
    const leftTokens = this.#perDay - used;
    const isKnown = this.#used.has(agent) || this.#used.size < limits.modelBudgetAgentsMax;
    if (leftTokens < leastTokens || leftTokens <= 0 || !isKnown) throw this.#spent(leftTokens, leastTokens);
    const held = Math.min(wantedTokens, leftTokens);
    const today = this.#used;
    today.set(agent, used + held);
    let isOpen = true;
    return {
      leftTokens,
      settle: (usedTokens) => {
        if (!isOpen) return;
        isOpen = false;
        // A request of yesterday counts for yesterday, which nobody asks about any more.
        today.set(agent, (today.get(agent) ?? 0) - held + usedTokens);
      },
    };
  }

  /** Used and held today, tokens. */
  usedToday(agent: string): number {
    const day = Math.floor(this.#clock.now() / DAY_MS);
    if (day !== this.#day) {
      this.#day = day;
      this.#used = new Map();
    }
    return this.#used.get(agent) ?? 0;
  }

  #spent(leftTokens: number, leastTokens: number): BridgeError {
    const retryAfterMs = DAY_MS - (this.#clock.now() % DAY_MS);
    const left = Math.max(leftTokens, 0);
    return new BridgeError(
      'BRG_MODEL_BUDGET',
      `of its ${this.#perDay} tokens a day the agent has ${left} left, and this takes more than ${leastTokens - 1}; ` +
        'the next day begins at 00:00 UTC',
      { details: { retryAfterMs, leftTokens: left } },
    );
  }
}
