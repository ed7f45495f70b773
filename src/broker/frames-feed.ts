import type { ConnectionHandle, ConnectionSink } from '../actor/index.ts';

/** The outer end of a protocol connection made by subscribing to a frames topic. Frames only go out. */
export class FramesFeed implements ConnectionSink {
  readonly #publish: (frame: Uint8Array) => void;
  readonly #onClosedByAgent: () => void;
  #handle: ConnectionHandle | null = null;
  #isEnded = false;

  constructor(publish: (frame: Uint8Array) => void, onClosedByAgent: () => void) {
    this.#publish = publish;
    this.#onClosedByAgent = onClosedByAgent;
  }

  open(handle: ConnectionHandle): void {
    this.#handle = handle;
  }

  /** MQTT payloads are bytes either way; the codec is what the connection negotiated. */
  send(frame: Uint8Array): void {
    if (!this.#isEnded) this.#publish(frame);
  }

  /** The agent ends it: no more frames; the MQTT connection itself carries telemetry and stays. */
  close(code: number, reason: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#onClosedByAgent();
    // Later, as a WebSocket's close event comes later too: the agent may be in the middle of its turn.
    setImmediate(() => this.#handle?.closed(code, reason, true));
  }

  /** The subscription or its connection has gone. */
  end(code: number, reason: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#handle?.closed(code, reason, true);
  }
}
