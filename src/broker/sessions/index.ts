/** What the broker keeps for its clients: sessions with their queues, retained messages, wills; and how it outlives it. */
export { MemorySessionStore } from './memory-store.ts';
export { firstByte, Message, pubrel, type Sending } from './message.ts';
export { SessionPersistence, type PersistentClient } from './persistence.ts';
export type { SessionBounds, SessionLink } from './session-host.ts';
export type { Session } from './session.ts';
export { Sessions } from './sessions.ts';
export type { Receiver } from './subscription-tree.ts';
export type { StoredPacket, StoredSubscription } from './stored-packets.ts';
