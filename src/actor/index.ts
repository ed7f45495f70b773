/** Actors: each address has one mailbox and one turn at a time; this room wakes, journals, commits, sleeps. */
export type {
  ActorRuntime,
  CodecName,
  ConnectionDetails,
  ConnectionHandle,
  ConnectionSink,
  Delivery,
  DeviceMessage,
  ListenChannels,
  Publication,
  Readiness,
  RequestOptions,
} from './port.ts';
export type { ActorBehaviour, ActorContext, ActorFactory, ActorKind, AgentSummary } from './behaviour.ts';
export type { Connection } from './connections.ts';
export {
  FLAG_RESUMED,
  FLAG_TEXT,
  KIND,
  type AttachBody,
  type InboundRecord,
  type ListenBody,
} from './messages.ts';
export type { KvListOptions, SqlBinding, SqlRow, SqlValue } from '../store/index.ts';
export { SqlCursor, SqlError } from '../store/index.ts';
export { AUDIT_KINDS } from '../store/index.ts';
export { DeathLedger, type Suspects } from './death-ledger.ts';
export { FlightRecorder } from './flight-recorder.ts';
export { Runtime } from './runtime.ts';
export { Shard } from './shard.ts';
export { JournalDesk } from './journal-desk.ts';
export type { ShardPort } from './journal-seat.ts';
export type { JournalOrder, JournalSaying, JournalWord, ShardBatch, ShardSaying } from './journal-words.ts';
export { shardOf } from './placement.ts';
export { RemoteJournal } from './remote-journal.ts';
export { shardReader } from './shard-reader.ts';
export type { ShardJournal } from './shard-journal.ts';
export type { ShardService } from './shard-options.ts';
export { STALL_TICKS, StallCounter } from './stall-counter.ts';
export type { ShardEvents, ShardLink, StartShard } from './shard-client.ts';
