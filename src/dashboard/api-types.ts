/** Shapes of the bridge's HTTP answers (docs/design/requests.md); the page trusts its own server. */

export type Presence = 'online' | 'offline' | 'never';

export interface AgentSummary {
  readonly model: string;
  readonly id: string;
  readonly presence: Presence;
  /** ms since epoch; null = never seen. */
  readonly lastSeen: number | null;
  readonly messages: number;
  readonly rejected: number;
  readonly state: unknown;
}

export interface AgentPage {
  readonly agents: readonly AgentSummary[];
  readonly cursor: string | null;
}

export interface FleetTotals {
  readonly online: number;
  readonly offline: number;
  readonly never: number;
  readonly agents: number;
  readonly awake: number;
  readonly messagesPerSecond: number;
  readonly framesPerSecond: number;
  readonly cborSavedBytes: number;
  readonly rejected: number;
  /** Time in which 99 of 100 agents woke, in us; undefined before the first. */
  readonly wakeP99Us?: number;
}

export interface AgentDescription extends Omit<AgentSummary, 'rejected'> {
  readonly reported: unknown;
  readonly desired: unknown;
  readonly delta: unknown;
  readonly version: number;
  readonly awake: boolean;
  readonly connections: number;
  readonly codec: string | null;
  readonly rules: number;
  readonly alerts: number;
  readonly rejected: number;
  readonly commandsPending: number;
  /** Undefined: no. */
  readonly canChat?: boolean;
}

export interface MetricDescription {
  readonly name: string;
  readonly kind: 'numeric' | 'binary' | 'enumeration' | 'text';
  readonly unit?: string | null;
  readonly min?: number | null;
  readonly max?: number | null;
  readonly precision?: number | null;
  readonly values?: readonly string[] | null;
  readonly access: 'read' | 'write' | 'readwrite';
  readonly description?: string | null;
}

export type ArgumentDescription =
  | { readonly kind: 'enumeration'; readonly values: readonly string[] }
  | { readonly kind: 'numeric'; readonly unit?: string | null; readonly min: number; readonly max: number }
  | { readonly kind: 'binary' }
  | { readonly kind: 'text'; readonly bytesMax: number };

export interface CommandDescription {
  readonly name: string;
  readonly description?: string | null;
  readonly argument: ArgumentDescription | null;
}

export interface ModelDescription {
  readonly model: string;
  /** `agent`: its agents are no devices, so they have no presence, telemetry, twin, commands or rules. */
  readonly kind: 'device' | 'agent';
  readonly vendor: string;
  readonly description: string;
  readonly metrics: readonly MetricDescription[];
  readonly commands: readonly CommandDescription[];
}

export type AttentionReason = 'offline' | 'rejected' | 'command-expired' | 'alert';

export interface AttentionItem {
  readonly model: string;
  readonly id: string;
  readonly reason: AttentionReason;
  readonly ts: number;
  readonly text: string;
}

export interface HistoryPoint {
  readonly ts: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly count: number;
}

export interface History {
  readonly series: readonly {
    readonly metric: string;
    readonly unit?: string | null;
    readonly points: readonly HistoryPoint[];
  }[];
}

export interface RejectedItem {
  readonly ts: number;
  readonly channel: string;
  readonly code: string;
  readonly reason: string;
  readonly payload: string;
  readonly encoding: 'utf8' | 'hex';
  readonly bytes: number;
}

export type CommandStatus = 'queued' | 'sent' | 'pending' | 'done' | 'failed' | 'expired';

export interface CommandItem {
  readonly cid: string;
  readonly name: string;
  readonly args?: unknown;
  readonly status: CommandStatus;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
  readonly value?: unknown;
  readonly error?: unknown;
}

export interface AlertItem {
  readonly ts: number;
  readonly ruleId: string | null;
  readonly kind: string;
  readonly text: string;
  readonly metric?: string | null;
  readonly value?: unknown;
}

export interface RuleItem {
  readonly id: string;
  /** The rule in English, made by the engine. */
  readonly description: string;
  readonly createdAtMs?: number;
  /** A model's rule belongs to all its devices and is not deleted here. */
  readonly source?: 'device' | 'model';
}

/** As src/agent/approvals makes it. */
export interface Approval {
  readonly id: string;
  /** `model/id` */
  readonly agent: string;
  readonly status: 'pending' | 'approved' | 'denied' | 'expired' | 'cancelled';
  readonly tool: string;
  readonly arguments: { readonly [name: string]: unknown };
  readonly explanation: string;
  readonly origin: { readonly kind: 'chat' | 'program' | 'tool'; readonly [fact: string]: unknown };
  readonly requestedBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly needed: 1 | 2;
  readonly votes: readonly ApprovalVote[];
  readonly decidedAtMs: number | null;
  readonly outcome: { readonly [name: string]: unknown } | null;
}

export interface ApprovalVote {
  readonly by: string;
  readonly approved: boolean;
  readonly atMs: number;
  readonly reason?: string;
}

export interface AuditItem {
  readonly id: string;
  readonly ts: number;
  readonly agent: string;
  readonly kind: string;
  readonly event: string;
  readonly subject: string;
  readonly by: string;
  readonly detail: unknown;
}

/** Who asks. */
export interface Me {
  /** Null: nobody is asked. */
  readonly name: string | null;
  readonly via: 'open' | 'setting' | 'token' | 'user' | 'jwt';
  readonly scopes: readonly string[];
  /** Null: all. */
  readonly agents: readonly string[] | null;
  readonly expiresAtMs: number | null;
}

/** What an MQTT client wanted and may not. */
export interface Denial {
  /** When it was tried last, ms since epoch. */
  readonly ts: number;
  readonly firstMs: number;
  readonly count: number;
  /** Empty: nobody who is known. */
  readonly name: string;
  readonly client: string;
  readonly source: string;
  readonly action: 'publish' | 'subscribe';
  readonly topic: string;
  readonly rule: string;
  /** Null: no command would allow it. */
  readonly allow: string | null;
}
