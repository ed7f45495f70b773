/** Rows of agents with a file, and changes of them, for tests and for processes that tests start. */
import type { AgentFile } from '../../src/store/agent-file.ts';
import type { AgentChange, AgentRow } from '../../src/store/shard-store.ts';

export function row(model: string, id: string): AgentRow {
  return {
    key: 1,
    model,
    id,
    presence: 'never',
    lastSeenMs: null,
    messages: 0,
    rejected: 0,
    appliedSequence: 0,
    alarmAtMs: null,
    createdAtMs: 5,
    isStored: true,
    hasFile: true,
  };
}

export function change(
  agent: AgentRow,
  file: AgentFile | null,
  cells: [string, string | null][] = [],
): AgentChange {
  return { row: agent, cells, history: null, audits: [], file, isForgotten: false };
}
