/**
 * Sandboxes started ahead. Each serves one program, so the pool only ever gives away. It stays empty until it is
 * asked for the first one, replaces what it gave when a run ends (not while the run needs the cores), and lets idle
 * ones end after a while: a process that no longer runs programs goes back to no sandboxes at all.
 */
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Engine, Sandbox } from './sandbox.ts';

interface Idle {
  readonly sandbox: Sandbox;
  readonly cancelExpiry: () => void;
}

export interface SandboxPoolOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Sandboxes kept ready. */
  readonly idleMax: number;
}

export class SandboxPool {
  readonly #options: SandboxPoolOptions;
  readonly #idle: Idle[] = [];
  readonly #starting = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: SandboxPoolOptions) {
    this.#options = options;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  /** A sandbox nobody had before. Rejects with BRG_SANDBOX when none can be started. */
  async take(): Promise<{ readonly sandbox: Sandbox; readonly isWarm: boolean }> {
    for (let idle = this.#idle.shift(); idle !== undefined; idle = this.#idle.shift()) {
      idle.cancelExpiry();
      if (idle.sandbox.isAlive) return { sandbox: idle.sandbox, isWarm: true };
    }
    return { sandbox: await this.#options.engine.start(), isWarm: false };
  }

  /** Starts what is missing. Resolves when all of it is ready or has failed; never rejects: `take` meets the failure. */
  async fill(): Promise<void> {
    while (!this.#isClosed && this.#idle.length + this.#starting.size < this.#options.idleMax) {
      const starting = this.#startOne();
      this.#starting.add(starting);
      void starting.finally(() => this.#starting.delete(starting)); // never rejects
    }
    await Promise.all(this.#starting);
  }

  async #startOne(): Promise<void> {
    try {
      const sandbox = await this.#options.engine.start();
      if (this.#isClosed) sandbox.kill();
      else this.#keep(sandbox);
    } catch {
      // The next run starts its own and reports why that fails.
    }
  }

  #keep(sandbox: Sandbox): void {
    const expire = (): void => {
      const place = this.#idle.findIndex((idle) => idle.sandbox === sandbox);
      if (place !== -1) this.#idle.splice(place, 1);
      sandbox.kill();
    };
    this.#idle.push({ sandbox, cancelExpiry: this.#options.clock.after(limits.sandboxIdleMs, expire) });
  }

  /** Ends all that are idle; those being started end when they are ready. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { sandbox, cancelExpiry } of this.#idle.splice(0)) {
      cancelExpiry();
      sandbox.kill();
    }
    await Promise.all(this.#starting);
  }
}
