/** Which turn of a chat comes next, and what becomes of messages that come while one is under way. */
import type { ActorContext } from '../../actor/index.ts';
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { JsonObject } from '../merge-patch.ts';
import type { ChatConcurrency } from './chat-author.ts';

export interface TurnRequest {
  readonly id: string;
  /** `submit`: a client's message; the policy is for these only. */
  readonly kind: 'submit' | 'regenerate' | 'saved' | 'continue';
  /** Who asked; 0: nobody who is connected. */
  readonly connection: number;
  /** Messages of the user this turn is to answer. */
  readonly userMessages: readonly string[];
  /** Those of requests that it took the place of, oldest first. */
  readonly earlier: readonly string[];
  /** They become one message before the turn begins. */
  readonly isMerging: boolean;
  /** What the client sent with it; undefined: that of the last request counts. */
  readonly body?: JsonObject | undefined;
  readonly clientTools?: readonly unknown[] | undefined;
}

/** What it takes to run the turns. */
export interface TurnRunner {
  /** Runs one turn; never rejects. */
  run(request: TurnRequest): Promise<void>;
  /** The request gets no turn of its own. */
  superseded(request: TurnRequest): void;
}

export class TurnQueue {
  readonly #context: ActorContext;
  readonly #runner: TurnRunner;
  readonly #waiting: TurnRequest[] = [];
  #isRunning = false;
  #cancelQuiet: (() => void) | undefined;

  constructor(context: ActorContext, runner: TurnRunner) {
    this.#context = context;
    this.#runner = runner;
  }

  get isBusy(): boolean {
    return this.#isRunning || this.#waiting.length > 0;
  }

  /** Whether a message of a client would not be taken now. @throws BridgeError BRG_BUSY: too many wait */
  refuses(policy: ChatConcurrency): boolean {
    if (this.#waiting.length >= limits.chatTurnsWaitingMax) {
      throw new BridgeError('BRG_BUSY', `${this.#waiting.length} turns of this chat wait`);
    }
    return policy === 'drop' && this.isBusy;
  }

  add(request: TurnRequest, policy: ChatConcurrency): void {
    const isOverlap = request.kind === 'submit' && this.isBusy;
    const name = typeof policy === 'string' ? policy : policy.strategy;
    if (!isOverlap || name === 'queue' || name === 'drop') return this.#push(request);
    const earlier = this.#takeSubmitted();
    const ids = earlier.flatMap((one) => [...one.earlier, ...one.userMessages]);
    const heir = { ...request, earlier: [...new Set(ids)], isMerging: name === 'merge' };
    for (const one of earlier) this.#runner.superseded(one);
    if (name === 'debounce') this.#afterQuiet(heir, policy);
    else this.#push(heir);
  }

  /** The messages that wait for a turn, in order. */
  get waitingMessages(): readonly string[] {
    return this.#waiting.flatMap(({ earlier, userMessages }) => [...earlier, ...userMessages]);
  }

  /** The waiting request of this id, which waits no more. */
  remove(id: string): TurnRequest | undefined {
    const at = this.#waiting.findIndex((request) => request.id === id);
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0];
  }

  /** All that wait. */
  clear(): TurnRequest[] {
    this.#cancelQuiet?.();
    this.#cancelQuiet = undefined;
    return this.#waiting.splice(0);
  }

  #takeSubmitted(): TurnRequest[] {
    const submitted = this.#waiting.filter(({ kind }) => kind === 'submit');
    for (const { id } of submitted) this.remove(id);
    return submitted;
  }

  #push(request: TurnRequest): void {
    this.#waiting.push(request);
    this.#context.later(() => this.#next());
  }

  #afterQuiet(request: TurnRequest, policy: ChatConcurrency): void {
    this.#cancelQuiet?.();
    this.#waiting.push(request);
    const wanted = typeof policy === 'string' ? limits.chatDebounceMs : policy.debounceMs;
    const quietMs = Math.min(Math.max(wanted ?? limits.chatDebounceMs, 0), limits.chatDebounceMsMax);
    this.#cancelQuiet = this.#context.shard.after(quietMs, () => {
      this.#cancelQuiet = undefined;
      if (!this.#context.turn.isAbandoned) this.#context.later(() => this.#next());
    });
  }

  /** One turn of the thought lane; there may be nothing to do any more. */
  #next(): Promise<void> | undefined {
    // The request that waits for quiet is the last one, and has no turn in the lane as yet.
    const isQuietAwaited = this.#cancelQuiet !== undefined && this.#waiting.length === 1;
    const request = isQuietAwaited ? undefined : this.#waiting.shift();
    if (request === undefined) return undefined;
    this.#isRunning = true;
    return this.#runner.run(request).finally(() => (this.#isRunning = false));
  }
}
