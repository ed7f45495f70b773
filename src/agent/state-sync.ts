/** The state of an agent: stored, limited in size, told to connections. */
import type { ActorContext } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Agent } from './agent.ts';
import type { AgentConnection } from './connection.ts';
import type { Outbound } from './outbound.ts';
import { PARTS } from './agent-parts.ts';

export class StateSync {
  readonly #agent: Agent;
  readonly #context: ActorContext;
  readonly #outbound: Outbound;
  #isFrameDue = false;

  constructor(agent: Agent, context: ActorContext, outbound: Outbound) {
    this.#agent = agent;
    this.#context = context;
    this.#outbound = outbound;
  }

  /** The last state set; undefined when none was. */
  get current(): unknown {
    return this.#context.cell('state');
  }

  /**
   * Replaces the state, tells every connection but its source, and calls `onStateChanged`. Never rejects.
   * @throws BridgeError BRG_STATE_TOO_LARGE, BRG_PAYLOAD_SHAPE; nothing has changed then
   */
  replace(state: unknown, source: 'server' | AgentConnection): void | Promise<void> {
    this.#agent[PARTS].extension?.checkState(state);
    const bytes = Buffer.byteLength(JSON.stringify(state ?? null));
    if (bytes > limits.stateBytesMax) {
      const message = `the state is ${bytes} bytes, the limit is ${limits.stateBytesMax}`;
      throw new BridgeError('BRG_STATE_TOO_LARGE', message, {
        details: { bytes, limit: limits.stateBytesMax },
      });
    }
    this.#context.setCell('state', state);
    const except = source === 'server' ? undefined : new Set([Number(source.id)]);
    this.#outbound.broadcast({ type: 'cf_agent_state', state }, except);
    return this.#agent[PARTS].runHook(() => this.#agent.onStateChanged(state, source));
  }

  /**
   * Replaces the state of a stream of small changes: one state frame per commit, however many changes it
   * holds, because only the last one counts.
   */
  stream(state: unknown): void {
    this.#context.setCell('state', state);
    this.#isFrameDue = true;
  }

  /** Frames that wait for the end of the batch. */
  beforeCommit(): void {
    if (!this.#isFrameDue) return;
    this.#isFrameDue = false;
    if (this.#outbound.isWanted('state')) {
      this.#outbound.broadcast({ type: 'cf_agent_state', state: this.#agent.state ?? null });
    }
  }
}
