/** The client library and the simulated devices. See limits.ts. */
export const clientLimits = {
  // --- client library -------------------------------------------------------------------------------
  /** Calls of one client without an answer, and its states without the agent's word. */
  clientCallsPendingMax: 1000,
  clientStatesPendingMax: 100,
  /** Frames an `AgentClient.frames()` loop may lag behind. */
  clientFramesWaitingMax: 1000,
  /** Ceiling of the first wait before a client connects again, and of all later ones (full jitter). */
  clientBackoffBaseMs: 500,
  clientBackoffMaxMs: 30_000,
  /** A connection that lived this long was a good one: the next wait starts from the first ceiling. */
  clientStableMs: 5_000,
  /** Silence after which a client asks whether the bridge is there; proxies drop idle sockets after 60 s. */
  clientHeartbeatMs: 25_000,
  /** Time the bridge gets to say anything then; and to accept a connection. */
  clientHeartbeatTimeoutMs: 10_000,
  clientConnectTimeoutMs: 10_000,

  // --- simulator ------------------------------------------------------------------------------------
  /** Messages a simulated device keeps while offline: what a small flash partition holds. */
  simulatorOutboxMessagesMax: 1000,
  /** QoS 1 messages a simulated device sends ahead of their PUBACKs. */
  simulatorInFlightMax: 16,
  /** First and longest wait between its connection attempts. */
  simulatorBackoffBaseMs: 500,
  simulatorBackoffMaxMs: 30_000,
  /** Answers a simulated device remembers, so that a command delivered twice acts once. */
  simulatorAnswersMax: 100,
  /** Telemetry messages it makes up for after its timer was late; more are skipped. */
  simulatorCatchUpMax: 1000,
  /** Devices of one fleet: one process has about 28,000 local ports to one broker address. */
  simulatorDevicesMax: 20_000,
  /** Time a fleet may take for its first connection, and for its last PUBACKs at the end. */
  simulatorConnectTimeoutMs: 10_000,
  simulatorDrainTimeoutMs: 15_000,
} as const;
