/** Somebody with a WebSocket to an agent: frames in, frames out. */
import type { ConnectionHandle, ConnectionSink, Runtime } from '../../src/actor/index.ts';
import type { AgentAddress } from '../../src/base/address.ts';
import type { Program } from './program.ts';
import type { Witness } from './witness.ts';

export class Viewer {
  readonly #address: AgentAddress;
  readonly #witness: Witness;
  #runtime: Runtime | undefined;
  #handle: ConnectionHandle | undefined;
  #said = 0;
  #answered = 0;

  constructor(address: AgentAddress, witness: Witness) {
    this.#address = address;
    this.#witness = witness;
  }

  found(runtime: Runtime): void {
    this.#runtime = runtime;
  }

  lost(): void {
    this.#runtime = undefined;
    this.#handle = undefined;
  }

  /** Sends one frame, and connects before if need be. */
  say(steps: Program): void {
    const runtime = this.#runtime;
    if (runtime === undefined) return;
    const number = ++this.#said;
    const id = `${this.#address.id}.frame${number}`;
    this.#handle ??= this.#connect(runtime);
    this.#witness.issued(id, `${this.#address.model}/${this.#address.id}`);
    this.#handle.receive(Buffer.from(JSON.stringify({ id, steps })), true);
  }

  hangUp(): void {
    this.#handle?.closed(1000, 'bye', true);
    this.#handle = undefined;
  }

  #connect(runtime: Runtime): ConnectionHandle {
    const details = { transport: 'websocket', codec: 'json', uri: '/', user: null } as const;
    let isOpen = true;
    const sink: ConnectionSink = {
      send: (frame) => {
        if (!isOpen || this.#runtime !== runtime) return;
        const { echo } = JSON.parse(Buffer.from(frame).toString()) as { echo: string }; // a ScriptedAgent sent it
        const number = Number(echo.split('.frame')[1]);
        if (number <= this.#answered) this.#witness.violation(`${echo} was answered after a later frame`);
        this.#answered = number;
      },
      close: () => (isOpen = false),
    };
    return runtime.openConnection({ address: this.#address, ...details }, sink);
  }
}
