/** What the owner of an agent's MCP servers sets. */
import { systemClock, type Clock } from '../../../base/clock.ts';
import { limits } from '../../../base/limits.ts';
import type { Log } from '../../../base/log.ts';
import { ConnectGate } from './connect-gate.ts';
import type { NetworkPolicy } from './network-policy.ts';
import { McpProcesses } from './processes.ts';
import type { McpStorage } from './server-row.ts';

export interface McpClientsOptions {
  readonly storage: McpStorage;
  readonly log: Log;
  /** What is allowed beside servers on the public internet. */
  readonly policy?: NetworkPolicy & {
    /** Servers that are processes of this machine: whoever adds one runs code here. Default false. */
    readonly stdio?: boolean;
  };
  /** As whom servers know us. */
  readonly client?: { readonly name: string; readonly version: string };
  /** Where a person is led after an authorization; a page of ours without. */
  readonly successUrl?: string;
  /** Told when states, tools or questions have changed, once a tick. Must not throw. */
  readonly onChange?: () => void;
  /** Shared by registries, for as many connections being made at once as all of them may. */
  readonly gate?: ConnectGate;
  /** Shared by registries: whoever has them end has all processes end that are servers. */
  readonly processes?: McpProcesses;
  /** ms one attempt to connect may take; default `mcpConnectMs`. */
  readonly connectMs?: number;
  readonly clock?: Clock;
  /** [0, 1) */
  readonly random?: () => number;
}

export function fullConfig(
  options: McpClientsOptions,
): Required<Omit<McpClientsOptions, 'successUrl'>> & { readonly successUrl: string | null } {
  return {
    storage: options.storage,
    log: options.log,
    policy: options.policy ?? {},
    client: options.client ?? { name: 'mooring', version: '0' },
    successUrl: options.successUrl ?? null,
    onChange: options.onChange ?? (() => undefined),
    gate: options.gate ?? new ConnectGate(limits.mcpConnectsMax),
    processes: options.processes ?? new McpProcesses(),
    connectMs: options.connectMs ?? limits.mcpConnectMs,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}
