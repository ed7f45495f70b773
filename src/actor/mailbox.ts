/**
 * One actor's mailbox: a lane runs one turn at a time, in order. The device lane carries telemetry,
 * commands, calls, alarms and connection events; the thought lane carries slow work (a model's turn),
 * so that a telemetry stream never waits for it.
 *
 * I1 A turn starts only when the one before it in the same lane has ended.
 * I2 Without asynchronous turns nothing is queued and nothing is allocated: `run` calls straight through.
 */
export type Lane = 'device' | 'thought';

type Turn = () => void | Promise<void>;

interface LaneState {
  isBusy: boolean;
  readonly queue: Turn[];
}

export class Mailbox {
  readonly #device: LaneState = { isBusy: false, queue: [] };
  #thought: LaneState | undefined;
  readonly #onDrained: () => void;

  /** @param onDrained called when a lane that had waited for an asynchronous turn is empty again. */
  constructor(onDrained: () => void) {
    this.#onDrained = onDrained;
  }

  /** Turns waiting, over both lanes. */
  get length(): number {
    return this.#device.queue.length + (this.#thought?.queue.length ?? 0);
  }

  /** Whether an asynchronous turn of the device lane is under way: its writes are half done. */
  get isMidTurn(): boolean {
    return this.#device.isBusy;
  }

  get isIdle(): boolean {
    return !this.#device.isBusy && this.#thought?.isBusy !== true;
  }

  /** Gives up what runs and returns what waits in the device lane, in order; what waits in the other is dropped. */
  abandon(): Turn[] {
    this.#thought = undefined;
    return this.#device.queue.splice(0);
  }

  /** Runs `turn` now, or when the turns before it in the lane have ended. `turn` must never reject or throw. */
  run(lane: Lane, turn: Turn): void {
    const state = lane === 'device' ? this.#device : (this.#thought ??= { isBusy: false, queue: [] });
    if (state.isBusy) {
      state.queue.push(turn);
      return;
    }
    const running = turn();
    if (running === undefined) return;
    state.isBusy = true;
    // `turn` never rejects (see above), so neither does this.
    void running.then(() => this.#next(state));
  }

  #next(state: LaneState): void {
    for (;;) {
      const turn = state.queue.shift();
      if (turn === undefined) break;
      const running = turn();
      if (running === undefined) continue;
      void running.then(() => this.#next(state));
      return;
    }
    state.isBusy = false;
    this.#onDrained();
  }
}
