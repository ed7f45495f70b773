import { addressKey, BUILT_IN_MODELS, type AgentAddress } from '../base/address.ts';
import type { ListQuery } from '../store/index.ts';
import { AttentionList } from './attention.ts';
import { ChangeList } from './change-list.ts';
import type { AgentCounters, AgentSummary, ShardView } from './behaviour.ts';
import type { Shard } from './shard.ts';

/** Counted by the shard's loop. */
export interface ShardCounters {
  batches: number;
  commits: number;
  messages: number;
  turnErrors: number;
  turnsOverDeadline: number;
  agentRestarts: number;
  messagesSetAside: number;
}

export function newShardCounters(): ShardCounters {
  return {
    batches: 0,
    commits: 0,
    messages: 0,
    turnErrors: 0,
    turnsOverDeadline: 0,
    agentRestarts: 0,
    messagesSetAside: 0,
  };
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

/** What goes on in the whole shard: for built-in agents, the list route and /metrics. */
export class ShardOverview implements ShardView {
  readonly startedAtMs: number;
  readonly attention = new AttentionList();
  readonly #shard: Shard;
  readonly changes: ChangeList;

  constructor(shard: Shard) {
    this.#shard = shard;
    this.startedAtMs = shard.clock.now();
    this.changes = new ChangeList(shard.clock, (key) => this.summary(key));
  }

  /** These agents were committed. */
  committed(actors: readonly { readonly key: string }[]): void {
    this.changes.note(actors);
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.#shard.clock.after(delayMs, callback);
  }

  /** Numbers that may be summed over shards. */
  totals(): Record<string, number> {
    const { store, roster, connections, journal, counters, shardCounters, unapplied, service } = this.#shard;
    const presence = store.directory.totals(BUILT_IN_MODELS);
    const { awake, waiting, deepest } = roster.census();
    const agents = presence.online + presence.offline + presence.never;
    const totals: Record<string, number> = {
      ...counters,
      ...shardCounters,
      ...roster.counters,
      ...presence,
      agents,
      awake,
      asleep: Math.max(agents - awake, 0),
      connections: connections.size,
      mailboxDepth: waiting,
      mailboxDeepest: deepest,
      unapplied,
      journalBytes: journal.sizeBytes(),
      journalSequence: journal.nextSequence - 1,
    };
    roster.wakeTimes.light.addTo(totals, 'wakeLight');
    roster.wakeTimes.heavy.addTo(totals, 'wakeHeavy');
    service?.addTo(totals);
    return totals;
  }

  page(query: ListQuery): { readonly rows: readonly AgentSummary[]; readonly last: AgentAddress | null } {
    const rows: AgentSummary[] = [];
    for (let { after } = query; ;) {
      const limit = query.limit - rows.length;
      const found = this.#shard.store.directory.list({ ...query, after, limit });
      for (const row of found) {
        const summary = this.summary(addressKey(row));
        if (summary !== undefined) rows.push(summary);
      }
      after = found.at(-1) ?? null;
      if (found.length < limit || after === null) return { rows, last: null };
      // Who is in no list does not make a page shorter: where pages of several shards meet, each ends with a row.
      if (rows.length === query.limit) return { rows, last: after };
    }
  }

  /** A list row of an agent, from memory when it is awake and else from its rows. */
  summary(key: string): AgentSummary | undefined {
    const { roster, store } = this.#shard;
    const slash = key.indexOf('/');
    if (BUILT_IN_MODELS.includes(key.slice(0, slash))) return undefined;
    const actor = roster.get(key);
    const row = actor?.row ?? store.directory.find(key.slice(0, slash), key.slice(slash + 1));
    if (row === undefined) return undefined;
    const state = actor === undefined ? parsed(store.cell(row.key, 'state')) : actor.cell('state');
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
}

/** A damaged state is nobody's: the list shows its agent all the same, and its next wake reports it. */
function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
