/** People and programs that ask agents over HTTP. */
import type { Runtime } from '../../src/actor/index.ts';
import { asBridgeError } from '../../src/base/errors.ts';
import type { Action } from './plan.ts';
import type { Program } from './program.ts';
import { MODEL } from './scripted-agent.ts';
import type { Witness } from './witness.ts';

/** Errors that a request may have in a world like this one. */
const EXPECTED = new Set([
  'BRG_BAD_REQUEST',
  'BRG_UNKNOWN_AGENT',
  'BRG_SHARD_RESTARTED',
  'BRG_AGENT_RESTARTED',
  'BRG_POISON',
  'BRG_AGENT_HELD',
  'BRG_TIMEOUT',
  'BRG_DISK_FULL',
  'BRG_STOPPING',
]);

export class People {
  readonly #witness: Witness;
  #runtime: Runtime | undefined;
  #asked = 0;
  #open = 0;

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  /** Requests without an answer. */
  get open(): number {
    return this.#open;
  }

  found(runtime: Runtime): void {
    this.#runtime = runtime;
  }

  /** The process has ended: nobody waits for its answers. */
  lost(): void {
    this.#runtime = undefined;
    this.#open = 0;
  }

  ask(action: Extract<Action, { kind: 'request' }>): void {
    const runtime = this.#runtime;
    if (runtime === undefined) return;
    const { isDurable: durable, isCreating: create, timeoutMs } = action;
    const id = `request.${++this.#asked}`;
    const address = { model: MODEL, id: `a${action.agent}` };
    const body: { id: string; steps: Program } = { id, steps: action.steps };
    this.#witness.issued(id, `${MODEL}/${address.id}`);
    this.#open++;
    const settled = (): boolean => {
      if (this.#runtime !== runtime) return false;
      this.#open--;
      return true;
    };
    runtime.request(address, 'input', body, { durable, create, timeoutMs }).then(
      (value) => {
        if (!settled()) return;
        const { echo } = value as { echo?: unknown }; // a ScriptedAgent answered
        if (echo !== id) this.#witness.violation(`${id} got the answer of ${String(echo)}`);
        if (durable) this.#witness.promised(id);
      },
      (error: unknown) => {
        const { code } = asBridgeError(error);
        if (settled() && !EXPECTED.has(code))
          this.#witness.violation(`${id} failed with ${code}: ${String(error)}`);
      },
    );
  }
}
