/**
 * Leaves an endpoint alone that does not answer. Closed: requests pass, failures in a row are counted.
 * Open: none passes until a time. Half-open: one passes; its outcome closes or opens again, for twice as long.
 */
import type { Clock } from '../base/clock.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

type Phase =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open'; readonly untilMs: number; readonly openMs: number }
  | { readonly kind: 'half-open'; readonly openMs: number };

/** What became of a request that passed; the first word counts. */
export interface Pass {
  succeeded(): void;
  /** The endpoint is at fault; `leaveMs` is what it asked for. */
  failed(leaveMs?: number): void;
  /** It says nothing about the endpoint: given up by the caller. */
  abandoned(): void;
}

export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #changed: (kind: Phase['kind']) => void;
  #phase: Phase = { kind: 'closed', failures: 0 };

  constructor(clock: Clock, changed: (kind: Phase['kind']) => void = () => {}) {
    this.#clock = clock;
    this.#changed = changed;
  }

  get kind(): Phase['kind'] {
    return this.#phase.kind;
  }

  /** @throws BridgeError BRG_MODEL_UNAVAILABLE while open, or while another request tries the endpoint */
  check(): void {
    const phase = this.#phase;
    if (phase.kind === 'closed') return;
    const waitMs = phase.kind === 'open' ? phase.untilMs - this.#clock.now() : phase.openMs;
    if (phase.kind === 'open' && waitMs <= 0) return;
    throw new BridgeError(
      'BRG_MODEL_UNAVAILABLE',
      'the language model failed repeatedly and is left alone for a while',
      {
        details: { by: 'circuit-breaker', retryAfterMs: Math.max(waitMs, 0) },
      },
    );
  }

  /** Passes one request. @throws BridgeError BRG_MODEL_UNAVAILABLE as `check` */
  enter(): Pass {
    this.check();
    const phase = this.#phase;
    const isProbe = phase.kind === 'open';
    if (isProbe) this.#become({ kind: 'half-open', openMs: phase.openMs });
    let isOpen = true;
    const once = (then: () => void) => () => {
      if (isOpen) then();
      isOpen = false;
    };
    return {
      succeeded: once(() => {
        if (isProbe || this.#phase.kind === 'closed') this.#become({ kind: 'closed', failures: 0 });
      }),
      failed: (leaveMs = 0) => once(() => this.#failed(isProbe, leaveMs))(),
      abandoned: once(() => {
        // Nothing was learnt: the next request is the probe.
        if (isProbe) this.#open(this.#openMs(), 0);
      }),
    };
  }

  #failed(isProbe: boolean, leaveMs: number): void {
    const phase = this.#phase;
    if (isProbe) return this.#open(Math.min(this.#openMs() * 2, limits.modelBreakerOpenMaxMs), leaveMs);
    if (phase.kind !== 'closed') return; // it began before the breaker opened
    const failures = phase.failures + 1;
    if (failures < limits.modelBreakerFailuresMax) this.#phase = { kind: 'closed', failures };
    else this.#open(limits.modelBreakerOpenMs, leaveMs);
  }

  #openMs(): number {
    return this.#phase.kind === 'closed' ? limits.modelBreakerOpenMs : this.#phase.openMs;
  }

  #open(openMs: number, leaveMs: number): void {
    const forMs = Math.max(openMs, Math.min(leaveMs, limits.modelBreakerOpenMaxMs));
    this.#become({ kind: 'open', untilMs: this.#clock.now() + forMs, openMs });
  }

  #become(phase: Phase): void {
    const isChange = phase.kind !== this.#phase.kind;
    this.#phase = phase;
    if (isChange) this.#changed(phase.kind);
  }
}
