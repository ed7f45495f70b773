/** What the executor knows of an engine: processes that are started ahead, take one program each, and are killed. */

/** A started process that waits for its one program. Frames are lines of JSON in both directions. */
export interface Sandbox {
  readonly pid: number;
  /** Hands over one frame; dropped when the process has ended. */
  send(line: string): void;
  /** From now on bytes of the sandbox go to `data`; `end` is called once, with what is known of the reason. Called once. */
  listen(listener: SandboxListener): void;
  /** Whether its process still runs, as far as is known. */
  readonly isAlive: boolean;
  /** SIGKILL, and everything of it is removed. May be called again. */
  kill(): void;
}

export interface SandboxListener {
  data(bytes: Uint8Array): void;
  end(reason: string): void;
}

export interface Engine {
  readonly name: 'workerd' | 'quickjs';
  readonly version: string;
  /** What stands between a program and this machine, beside the engine's own isolation. */
  readonly isolation: readonly string[];
  /** Resolves when it is ready for a program. Rejects with BRG_SANDBOX when it does not start in time. */
  start(): Promise<Sandbox>;
}
