/** What one actor is doing: the turn under way, and those before it that are not committed yet. */
import { BridgeError } from '../base/errors.ts';
import type { ToldSynced, TurnContext } from './behaviour.ts';
import type { Deadline } from './deadline.ts';
import type { BatchProgress } from './progress.ts';
import type { Work } from './work.ts';

export class CurrentTurn implements TurnContext {
  /** Turns of the device lane since the last commit, the present one included. */
  readonly performed: Work[] = [];
  /** Journal batches with messages applied here and not committed yet. */
  readonly appliedOf: { progress: BatchProgress; count: number }[] = [];
  /** The actor runs without its author's code. */
  isHeld = false;
  isAfterRestart = false;
  #synced: 'nothing' | ToldSynced = 'nothing';
  sequence = 0;
  handler = '';
  #isAbandoned = false;
  #deadline: Deadline | undefined;
  #hasOwnDeadline = false;

  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  /** A turn of the device lane begins. @param isClean nothing of those before it is to be committed */
  begin(work: Work, isClean: boolean): void {
    if (isClean) this.performed.length = 0;
    this.performed.push(work);
    this.sequence = work.kind === 'record' ? work.sequence : 0;
    this.handler = '';
    this.#deadline = undefined;
    this.#hasOwnDeadline = false;
  }

  /** It goes on asynchronously, until then. */
  watch(deadline: Deadline): void {
    if (this.#hasOwnDeadline) deadline.lift();
    else this.#deadline = deadline;
  }

  /** What has to be safe before anything is told. */
  get synced(): 'nothing' | ToldSynced {
    return this.#synced;
  }

  tellSynced(what: ToldSynced): void {
    if (this.#synced !== 'everything') this.#synced = what;
  }

  extendDeadline(): void {
    this.#deadline?.extend();
  }

  ownDeadline(): void {
    this.#hasOwnDeadline = true;
  }

  /** A journaled message of this batch was applied; it counts when the actor is committed. */
  applied(progress: BatchProgress): void {
    const last = this.appliedOf.at(-1);
    if (last?.progress === progress) last.count++;
    else this.appliedOf.push({ progress, count: 1 });
  }

  committed(): void {
    this.#synced = 'nothing';
    this.appliedOf.length = 0;
    this.performed.length = 0;
  }

  abandon(): void {
    this.#isAbandoned = true;
  }

  /** @throws BridgeError BRG_AGENT_RESTARTED */
  assertPresent(): void {
    if (!this.#isAbandoned) return;
    throw new BridgeError('BRG_AGENT_RESTARTED', 'the agent was restarted: this code is of the one before');
  }
}
