/**
 * The processes that are MCP servers of the agents of one shard. Each connection ends its own, and takes its time; when
 * the shard ends nobody is left who would, so those that are still there are ended first.
 */
import { systemClock } from '../../../base/clock.ts';
import { limits } from '../../../base/limits.ts';

/** A process with all it has started. */
export interface ServerProcess {
  /** Resolves when it has ended. */
  readonly exited: Promise<void>;
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export class McpProcesses {
  readonly #running = new Set<ServerProcess>();

  add(server: ServerProcess): void {
    this.#running.add(server);
    void server.exited.then(() => this.#running.delete(server)); // it never rejects
  }

  /** Resolves when none is left, at the latest after three times `mcpEndMs`. Their stdin has ended. */
  async close(): Promise<void> {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await this.#ended();
      for (const server of this.#running) server.signal(signal);
    }
    await this.#ended();
  }

  async #ended(): Promise<void> {
    if (this.#running.size === 0) return;
    const late = Promise.withResolvers<void>();
    const cancel = systemClock.after(limits.mcpEndMs, late.resolve);
    await Promise.race([Promise.all([...this.#running].map(({ exited }) => exited)), late.promise]);
    cancel();
  }
}
