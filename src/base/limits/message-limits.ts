/** What comes in and goes out: addresses, payloads, frames, connections. See limits.ts. */
import { KiB, MiB } from './units.ts';

export const messageLimits = {
  // --- addresses and topics -------------------------------------------------------------------------
  /** Bytes of a model name (contract: [a-z0-9-]{1,64}). */
  modelBytesMax: 64,
  /** Bytes of an agent id (contract: [A-Za-z0-9._~:-]{1,128}). */
  agentIdBytesMax: 128,
  /** Cached topic matches a process keeps, so that a hostile client cannot fill memory with topics. */
  topicCacheEntriesMax: 200_000,

  // --- device definitions ---------------------------------------------------------------------------
  /** Metrics and commands of one model: what a person can still read on one page. */
  metricsPerModelMax: 256,
  commandsPerModelMax: 64,
  /** Words of one enumeration. */
  enumerationValuesMax: 64,
  /** Bytes of the name of a metric, a command, an enumeration's value. */
  nameBytesMax: 64,
  /** Bytes a text metric or argument may be declared with. */
  textBytesMax: 4 * KiB,
  /** Bytes of a correlation id in a topic; ours have 16, devices make up their own. */
  correlationIdBytesMax: 64,
  /** Characters of a boot id; a UUID has 36. */
  bootCharactersMax: 64,

  // --- payloads and frames --------------------------------------------------------------------------
  /** Bytes of one MQTT payload handed to an agent; EMQX allows 1 MB, AWS IoT 128 KB. */
  devicePayloadBytesMax: 256 * KiB,
  /** Bytes of one WebSocket frame in (contract). */
  frameBytesMax: 256 * KiB,
  /** Bytes of one frame a client of the bridge reads: a state of `stateBytesMax` in JSON, twice that as CBOR. */
  frameOutBytesMax: 32 * MiB,
  /** Nesting of inbound CBOR; recursion of the decoder and of every later walk stays bounded. */
  cborDepthMax: 32,
  /** Items of one CBOR array, and entries of one map, in. */
  cborArrayItemsMax: 4096,
  cborMapEntriesMax: 1024,
  /** Telemetry maps in one payload (an outbox flush of a device). */
  telemetryBatchMax: 1000,
  /** Bytes of an agent's JSON state. */
  stateBytesMax: 16 * MiB,
  /** Bytes of the JSON of reported or desired state; AWS IoT allows 8 KB. */
  twinBytesMax: 256 * KiB,
  /** Bytes of a rejected payload kept for inspection; the rest is cut. */
  deadLetterPayloadBytesMax: 4 * KiB,
  /** Rejected messages kept per agent, oldest dropped. */
  deadLettersPerAgentMax: 100,
  /** A device clock before 2001 has not been set; its time is replaced by the receive time. */
  deviceClockMinMs: 978_307_200_000,
  /** Boots whose sequence numbers an agent remembers: a resend after more reboots than this is rare. */
  bootsRememberedMax: 8,
  /** Gaps in the applied sequence numbers of one boot; the oldest range is forgotten beyond it. */
  sequenceRangesMax: 64,

  // --- connections ----------------------------------------------------------------------------------
  /** Bytes waiting in a WebSocket before it is closed with 1013, and for an MQTT socket before QoS 0 is dropped. */
  socketBufferBytesMax: 4 * MiB,
  /** Bytes that each journaled frame carries about its connection; one about which there is more to say waits for an fsync instead. */
  standingBytesMax: 1 * KiB,
  webSocketPingMs: 30_000,
  webSocketConnectionsMax: 20_000,
  httpBodyBytesMax: 256 * KiB,
  /** Bytes of the body, and of the names and values of the headers, that `onRequest` answers with. */
  httpAnswerBytesMax: 4 * MiB,
  httpAnswerHeaderBytesMax: 16 * KiB,
  httpHeadersTimeoutMs: 10_000,
  /** HTTP connections at once, besides the WebSockets. */
  httpConnectionsMax: 2_000,
  /** Time a client may take to send its whole request; slower ones are an attack or a dead link. */
  httpRequestTimeoutMs: 30_000,
  /** Bytes of a too large body read and thrown away, so that the client gets to read the 413. */
  httpBodyDrainBytesMax: 4 * MiB,
  /** Arguments of one call. */
  callArgumentsMax: 32,
  /** Files and bytes of the built dashboard, which is held in memory. */
  dashboardFilesMax: 256,
  dashboardBytesMax: 32 * MiB,
  /** Time a WebSocket peer gets to answer a close frame before its socket is destroyed. */
  webSocketCloseMs: 10_000,
  /** Pause of a WebSocket that sends while the agents are congested. */
  webSocketCongestedPauseMs: 20,
  /** Time the gateway gives its clients to read the close frame and in-flight answers when stopping. */
  gatewayStopMs: 1_500,
  mqttConnectTimeoutMs: 10_000,
  /** Remaining length of a CONNECT: room for a token as password and a will; everything larger comes from nobody known. */
  mqttConnectBytesMax: 8 * KiB,
  /** Remaining length of a later packet, if not configured; EMQX allows 1 MB, AWS IoT 128 KB, mosquitto 256 MB. */
  mqttPacketBytesMax: 256 * KiB,
  /** Bytes read after a CONNECT while its CONNACK is awaited; reading pauses before, this is for what was under way. */
  mqttHeldBytesMax: 512 * KiB,
  /** Levels of a topic: what routes topics in aedes throws beyond it. */
  mqttTopicLevelsMax: 100,
  /** How often the files of a TLS certificate are looked at for a renewal. */
  tlsWatchMs: 2_000,
  /** Time an MQTT socket may take nothing of what was written; then it is closed. */
  mqttDrainTimeoutMs: 2_000,
  /** MQTT sockets open at once; one costs about 20 KB. */
  mqttConnectionsMax: 20_000,
  /** MQTT sessions with CleanSession 0; their queues live in memory. */
  mqttSessionsMax: 20_000,
  /** Time a session without a connection is kept, if not configured: a week's holiday. mosquitto: for ever, EMQX: 2 h. */
  mqttSessionExpiryMs: 7 * 24 * 3_600_000,
  /** How often sessions are looked at for those that have expired. */
  mqttSessionSweepMs: 60_000,
  /** Time clients have to come back after a crash before their wills are published: a few tries to connect. */
  mqttWillGraceMs: 60_000,
  /** Messages sent to one client and not acknowledged, as with mosquitto. */
  mqttInFlightMax: 20,
  /** Messages, and bytes of them, that wait for one client; mosquitto: 1,000. The oldest is dropped beyond. */
  mqttQueuedMessagesMax: 1_000,
  mqttQueuedBytesMax: 8 * MiB,
  /** Bytes that wait for all clients together; they are in memory. */
  mqttQueuedBytesTotalMax: 256 * MiB,
  /** Retained messages, and bytes of them with their topics; they are in memory. */
  mqttRetainedMax: 100_000,
  mqttRetainedBytesMax: 128 * MiB,
  /** Filters of one client whose retained messages it has yet to get. */
  mqttRetainedFeedsMax: 1_000,
  /** QoS 2 packets of one client whose PUBREL is awaited; EMQX: 100. */
  mqttReleasesAwaitedMax: 1_000,
  /** Topic filters of one MQTT client. */
  mqttFiltersPerClientMax: 20_000,
  /** Publishes of one connection waiting for their outcome: more than one 64 KiB read holds. */
  mqttPublishesWaitingMax: 16_384,
  /** Time until a message that found the bridge busy is offered again. */
  mqttBusyRetryMs: 50,
  /** At stop, publishes in flight get this long to be acknowledged. */
  mqttStopDrainMs: 2_000,
  /** Agents one MQTT connection may speak for (a gateway). */
  agentsPerMqttConnectionMax: 10_000,
} as const;
