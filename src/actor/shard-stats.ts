import type { AgentCounters, AgentSummary } from './behaviour.ts';
import type { Shard } from './shard.ts';

/** Counted by the shard's loop. */
export interface ShardCounters {
  batches: number;
  commits: number;
  messages: number;
  turnErrors: number;
  turnsOverDeadline: number;
}

export function newShardCounters(): ShardCounters {
  return { batches: 0, commits: 0, messages: 0, turnErrors: 0, turnsOverDeadline: 0 };
}

export function newAgentCounters(): AgentCounters {
  return {
    telemetryApplied: 0,
    telemetryDuplicates: 0,
    messagesRejected: 0,
    unknownKeys: 0,
    framesOutJson: 0,
    framesOutCbor: 0,
    bytesOutJson: 0,
    bytesOutCbor: 0,
    framesIn: 0,
    cborSavedBytes: 0,
    framesRefused: 0,
    rulesFired: 0,
    commandsDone: 0,
    commandsFailed: 0,
    commandsExpired: 0,
  };
}

/** Everything /metrics and the dashboard want to know of a shard, as numbers that may be summed over shards. */
export function shardStats(shard: Shard, unapplied: number): Record<string, number> {
  const presence = shard.store.directory.totals();
  const mailboxes = shard.roster.mailboxDepth();
  return {
    ...shard.counters,
    ...shard.shardCounters,
    ...shard.roster.counters,
    ...presence,
    agents: presence.online + presence.offline + presence.never,
    awake: shard.roster.size,
    connections: shard.connections.size,
    mailboxDepth: mailboxes.total,
    mailboxDeepest: mailboxes.deepest,
    unapplied,
    journalBytes: shard.journal.sizeBytes(),
    journalSequence: shard.journal.nextSequence - 1,
  };
}

/** A list row of an agent, from memory when it is awake and else from its rows. */
export function summarize(shard: Shard, key: string): AgentSummary | undefined {
  const actor = shard.roster.get(key);
  if (actor?.isEphemeral === true) return undefined;
  const slash = key.indexOf('/');
  const row = actor?.row ?? shard.store.directory.find(key.slice(0, slash), key.slice(slash + 1));
  if (row === undefined) return undefined;
  const state = actor === undefined ? parsed(shard.store.cell(row.key, 'state')) : actor.cell('state');
  return {
    model: row.model,
    id: row.id,
    presence: row.presence,
    lastSeen: row.lastSeenMs,
    messages: row.messages,
    rejected: row.rejected,
    state: state ?? null,
  };
}

function parsed(text: string | undefined): unknown {
  return text === undefined ? null : JSON.parse(text);
}
