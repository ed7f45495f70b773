/** What one client, or one address, may take of the MQTT side. See limits.ts. */
import { KiB, MiB } from './units.ts';

export const edgeLimits = {
  // --- before CONNECT -------------------------------------------------------------------------------
  /** Connections that have not sent a CONNECT, of all and of one address; the oldest makes room for one more. */
  mqttSilentMax: 4_000,
  mqttSilentPerSourceMax: 1_000,
  /** How often those are looked at whose time for a CONNECT is over. */
  mqttSilentSweepMs: 500,
  /** TLS handshakes under way; one takes some 50 KB. */
  mqttHandshakesMax: 1_000,
  /** Connections of one address, if not configured: half of all. Those of this machine may be a proxy's. */
  mqttConnectionsPerSourceMax: 10_000,
  /** CONNECTs handled in a second, if not configured: what a core does beside its other work. More wait. */
  mqttConnectsPerSecondMax: 2_000,
  /** CONNECTs of one identity within a minute, if not configured; EMQX: 15. Two that fight for a session do one a second. */
  mqttConnectsPerMinuteMax: 60,
  /** How long such an identity is refused then; EMQX: 5 min. */
  mqttFlappingRefusedMs: 60_000,
  /** Identities whose CONNECTs are counted; the one that came first is forgotten. */
  mqttFlappingNamesMax: 20_000,

  // --- after it -------------------------------------------------------------------------------------
  /** Requests (PUBLISH, SUBSCRIBE, UNSUBSCRIBE, PINGREQ) and bytes of one client in a second, if not configured: more than
   * one does at full speed. AWS IoT: 100 messages and 512 KB. */
  mqttMessagesPerSecondMax: 100_000,
  mqttBytesPerSecondMax: 128 * MiB,
  /** Bytes given to a socket that takes no more just now; it has to take them within `mqttDrainTimeoutMs`. More wait in
   * front of it, up to `socketBufferBytesMax`. */
  mqttWriteAheadBytes: 256 * KiB,
  /** A client is read again after this at the latest for a look at the clock: so long its keep alive is not asked for. */
  mqttThrottleStepMs: 1_000,
} as const;
