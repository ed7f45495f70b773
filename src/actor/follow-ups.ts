/**
 * What an actor begins once its writes are committed: turns of the thought lane, and pieces of work beside
 * both lanes. They stand even if the turn that asked for them throws.
 */
import type { Actor } from './actor.ts';
import type { ActorHost } from './actor-host.ts';

/** `isCommitted` false: it began ahead of the commit. */
type Piece = (isCommitted: boolean) => void;

export class FollowUps {
  readonly #actor: Actor;
  readonly #host: ActorHost;
  #waiting: (() => void)[] = [];

  constructor(actor: Actor, host: ActorHost) {
    this.#actor = actor;
    this.#host = host;
  }

  later(turn: () => void | Promise<void>): void {
    this.#add(() => this.#actor.mailbox.run('thought', () => this.#host.contain(this.#actor, turn)));
  }

  /** @param isEager not to wait for an asynchronous device turn, which may itself wait for this piece */
  aside(piece: Piece, isEager: boolean): void {
    const begin = (): void => this.#run(piece, true);
    this.#add(begin);
    if (!isEager) return;
    // By then a commit that nothing holds up has been made.
    this.#host.clock.soon(() => {
      const at = this.#waiting.indexOf(begin);
      if (at < 0 || !this.#actor.mailbox.isMidTurn) return;
      this.#waiting.splice(at, 1);
      this.#run(piece, false);
    });
  }

  /** After a commit. */
  start(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const begin of waiting) begin();
  }

  #run(piece: Piece, isCommitted: boolean): void {
    // A piece ends at once: there is no promise to wait for, and what it returns (an assignment does) is none.
    void this.#host.contain(this.#actor, () => {
      piece(isCommitted);
    });
  }

  #add(begin: () => void): void {
    this.#waiting.push(begin);
    this.#actor.markDirty();
  }
}
