/** The state both ways: what the agent says into the mirror, what this client sets to the agent. */
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Packet, Send } from './calls.ts';
import type { StateSource } from './events.ts';
import { StateMirror } from './state-mirror.ts';

export interface StateSyncEvents {
  onChange(state: unknown, source: StateSource): void;
  onRefused(message: string): void;
  /** Changes were lost: only a new connection tells the state. */
  onGap(): void;
}

/** A state with the probe behind it, and who waits for the agent's word. */
interface Update {
  readonly packets: readonly Packet[];
  readonly resolve: () => void;
  readonly reject: (error: BridgeError) => void;
  phase: 'queued' | 'sent';
}

export class StateSync {
  readonly #mirror = new StateMirror();
  readonly #updates = new Map<string, Update>();
  readonly #events: StateSyncEvents;

  constructor(events: StateSyncEvents) {
    this.#events = events;
  }

  get state(): unknown {
    return this.#mirror.state;
  }

  get version(): number | null {
    return this.#mirror.version;
  }

  /** `packets`: the state, then a probe with `id`. Resolves when the agent took it. */
  set(id: string, state: unknown, packets: readonly Packet[], send: Send | null): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (this.#updates.size >= limits.clientStatesPendingMax) {
      reject(new BridgeError('BRG_BUSY', `${this.#updates.size} states wait for the agent's word`));
      return promise;
    }
    const update: Update = { packets, resolve, reject, phase: 'queued' };
    if (send !== null && !this.#send(update, send)) return promise;
    this.#updates.set(id, update);
    this.#mirror.set(id, state);
    this.#events.onChange(state, 'client');
    return promise;
  }

  #send(update: Update, send: Send): boolean {
    try {
      for (const packet of update.packets) send(packet);
      update.phase = 'sent';
      return true;
    } catch (error) {
      const failure =
        error instanceof BridgeError ? error : new BridgeError('BRG_CONNECTION_CLOSED', String(error));
      update.reject(failure);
      return false;
    }
  }

  /** States that were set while there was no connection. */
  connected(send: Send): void {
    for (const [id, update] of [...this.#updates]) {
      if (update.phase === 'sent' || this.#send(update, send)) continue;
      this.#updates.delete(id);
      this.#mirror.forget(id);
    }
  }

  /** Whether a state that was sent has been taken, the first state of the next connection tells. */
  disconnected(error: BridgeError): void {
    const lost = new Set<string>();
    for (const [id, update] of [...this.#updates]) {
      if (update.phase === 'queued') continue;
      lost.add(id);
      this.#updates.delete(id);
      const message = 'Connection closed: the state may or may not have been set';
      update.reject(new BridgeError('BRG_CONNECTION_CLOSED', message, { cause: error }));
    }
    this.#mirror.disconnected(lost);
  }

  closed(error: BridgeError): void {
    for (const update of this.#updates.values()) update.reject(error);
    this.#updates.clear();
  }

  replaced(state: unknown, version: number | null): void {
    this.#change(() => this.#mirror.replace(state, version));
  }

  patched(patch: unknown, version: number): void {
    this.#change(() => {
      const { outcome, taken } = this.#mirror.patch(patch, version);
      this.#accept(taken);
      if (outcome === 'gap') this.#events.onGap();
    });
  }

  /** The probe with this id was answered. */
  probed(id: string): void {
    this.#change(() => this.#accept(this.#mirror.taken(id)));
  }

  refused(message: string): void {
    this.#change(() => {
      const id = this.#mirror.refused();
      if (id === undefined) return;
      this.#updates.get(id)?.reject(new BridgeError('BRG_STATE_REJECTED', message));
      this.#updates.delete(id);
    });
    this.#events.onRefused(message);
  }

  #accept(ids: readonly string[]): void {
    for (const id of ids) {
      this.#updates.get(id)?.resolve();
      this.#updates.delete(id);
    }
  }

  /** Tells of a change only when what is shown is another value. */
  #change(step: () => void): void {
    const before = this.#mirror.state;
    step();
    const after = this.#mirror.state;
    if (after !== before) this.#events.onChange(after, 'server');
  }
}
