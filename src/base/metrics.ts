/** Prometheus metrics of one bridge. Labels are few and bounded: never a device's name. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { bucketLines } from './duration-histogram.ts';
import { modelLines } from './model-metrics.ts';

/** Everything the composition root counts; shard numbers arrive as a flat object at each scrape. */
export interface BridgeMetrics {
  messagesIn(qos: 0 | 1 | 2): void;
  bytesIn(bytes: number): void;
  unmapped(): void;
  denied(reason: string): void;
  queueDropped(): void;
  throttled(): void;
  pubackLatencyMs(ms: number): void;
  /** One journal commit: messages in it, ms from handing it over to hearing it is on disk. */
  committed(messages: number, durationMs: number): void;
  framesIn(codec: 'json' | 'cbor', bytes: number): void;
  framesOut(codec: 'json' | 'cbor', bytes: number): void;
  /** Prometheus text, with the shards' numbers and the gauges of this moment. */
  render(shard: Record<string, number>, gauges: Record<string, number>): Promise<Rendered>;
}

export interface Rendered {
  readonly contentType: string;
  readonly body: string;
}

const LATENCY_BUCKETS_S = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
/** Why a request of an MQTT client was refused. */
export const DENIED_REASONS = [
  'reserved-topic',
  'payload-too-large',
  'busy',
  'agents-limit',
  'in-flight-limit',
  'subscriptions-limit',
  'connections-limit',
  'client-id',
  'slow-client',
  'malformed-packet',
  'packet-too-large',
  'acl',
  'identity',
  'retained-limit',
  'connect-timeout',
  'silent-limit',
  'source-limit',
  'handshakes-limit',
  'flapping',
] as const;

const COMMIT_BUCKETS = [1, 4, 16, 64, 256, 512, 1024, 2048, 4096, 8192];

/** Numbers of a shard that only grow, with what they mean; the others are gauges. */
const SHARD_COUNTERS: Record<string, readonly [name: string, help: string]> = {
  telemetryApplied: ['mooring_telemetry_applied_total', 'Telemetry maps applied'],
  telemetryDuplicates: [
    'mooring_telemetry_duplicates_total',
    'Telemetry maps recognised as resent by (boot, seq)',
  ],
  messagesRejected: ['mooring_messages_rejected_total', 'Messages kept as rejected, with a reason'],
  unknownKeys: ['mooring_telemetry_unknown_keys_total', 'Keys of telemetry that the model does not know'],
  framesRefused: ['mooring_frames_refused_total', 'Inbound frames that closed their connection'],
  cborSavedBytes: ['mooring_cbor_saved_bytes_total', 'Bytes the CBOR frames sent were smaller than JSON'],
  rulesFired: ['mooring_rules_fired_total', 'Rules that fired'],
  commandsDone: ['mooring_commands_done_total', 'Commands the device confirmed'],
  commandsFailed: ['mooring_commands_failed_total', 'Commands the device refused'],
  commandsExpired: ['mooring_commands_expired_total', 'Commands nobody answered in time'],
  batches: ['mooring_batches_total', 'Batches taken by shards'],
  commits: ['mooring_commits_total', 'Transactions of agents'],
  messages: ['mooring_messages_total', 'Journaled messages handed to agents'],
  turnErrors: ['mooring_turn_errors_total', 'Turns that threw'],
  turnsOverDeadline: ['mooring_turns_over_deadline_total', 'Turns that took longer than their deadline'],
  agentRestarts: ['mooring_agent_restarts_total', 'Agents restarted because a handler hung'],
  messagesSetAside: [
    'mooring_messages_set_aside_total',
    'Messages handled without the code that choked on them',
  ],
  wakes: ['mooring_agent_wakes_total', 'Agents woken'],
};

const SHARD_GAUGES: Record<string, readonly [name: string, help: string]> = {
  agents: ['mooring_agents', 'Agents that exist'],
  awake: ['mooring_agents_awake', 'Agents in memory'],
  asleep: ['mooring_agents_asleep', 'Agents that are rows only'],
  online: ['mooring_devices_online', 'Devices that are connected'],
  offline: ['mooring_devices_offline', 'Devices that were seen and are not connected'],
  mailboxDepth: ['mooring_mailbox_depth', 'Turns waiting in all mailboxes'],
  mailboxDeepest: ['mooring_mailbox_depth_max', 'Turns waiting in the fullest mailbox'],
  unapplied: ['mooring_messages_unapplied', 'Messages journaled and not applied yet'],
  journalBytes: ['mooring_journal_bytes', 'Bytes of the journal file'],
};

/** What prom-client keeps for one bridge. */
function createInstruments(registers: Registry[]) {
  const instruments = {
    messages: new Counter({
      name: 'mooring_mqtt_messages_in_total',
      help: 'PUBLISH packets in',
      labelNames: ['qos'],
      registers,
    }),
    bytes: new Counter({ name: 'mooring_mqtt_bytes_in_total', help: 'Payload bytes in', registers }),
    unmapped: new Counter({
      name: 'mooring_unmapped_total',
      help: 'PUBLISH packets to devices/ without a model',
      registers,
    }),
    denied: new Counter({
      name: 'mooring_denied_total',
      help: 'Refused requests of MQTT clients',
      labelNames: ['reason'],
      registers,
    }),
    queueDropped: new Counter({
      name: 'mooring_mqtt_queue_dropped_total',
      help: 'Messages dropped because the queue of an MQTT session was full',
      registers,
    }),
    throttled: new Counter({
      name: 'mooring_mqtt_throttled_total',
      help: 'Times an MQTT client was not read for a while because it sent more than its rate',
      registers,
    }),
    frames: new Counter({
      name: 'mooring_frames_total',
      help: 'WebSocket frames',
      labelNames: ['direction', 'codec'],
      registers,
    }),
    frameBytes: new Counter({
      name: 'mooring_frame_bytes_total',
      help: 'Bytes of WebSocket frames',
      labelNames: ['direction', 'codec'],
      registers,
    }),
    puback: new Histogram({
      name: 'mooring_puback_latency_seconds',
      help: 'PUBLISH to PUBACK, sampled',
      buckets: LATENCY_BUCKETS_S,
      registers,
    }),
    commitMessages: new Histogram({
      name: 'mooring_commit_messages',
      help: 'Messages per journal commit',
      buckets: COMMIT_BUCKETS,
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'mooring_commit_duration_seconds',
      help: 'Handing a batch over to hearing it is on disk',
      buckets: LATENCY_BUCKETS_S,
      registers,
    }),
  };
  beginSeries(instruments);
  return instruments;
}

/** A series that begins with its first event has no rate for it. */
function beginSeries({
  denied,
  frames,
  frameBytes,
}: Record<'denied' | 'frames' | 'frameBytes', Counter>): void {
  for (const reason of DENIED_REASONS) denied.inc({ reason }, 0);
  for (const direction of ['in', 'out']) {
    for (const codec of ['json', 'cbor']) {
      frames.inc({ direction, codec }, 0);
      frameBytes.inc({ direction, codec }, 0);
    }
  }
}

export function createMetrics(): BridgeMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const instruments = createInstruments(registers);
  const { messages, bytes, unmapped, denied, queueDropped, throttled } = instruments;
  const { frames, frameBytes, puback, commitMessages, commitSeconds } = instruments;
  const shardGauges = new Map<string, Gauge>();
  const counted = {
    qos: [0, 0, 0],
    bytes: 0,
    denied: new Map<string, number>(),
    in: frameCounts(),
    out: frameCounts(),
  };
  return {
    // prom-client's inc costs a hash of labels; the hot path adds to numbers, the scrape moves them over.
    messagesIn: (qos) => void (counted.qos[qos] = (counted.qos[qos] ?? 0) + 1),
    bytesIn: (size) => void (counted.bytes += size),
    unmapped: () => unmapped.inc(),
    // A client that does not read is denied each message it does not get.
    denied: (reason) => void counted.denied.set(reason, (counted.denied.get(reason) ?? 0) + 1),
    queueDropped: () => queueDropped.inc(),
    throttled: () => throttled.inc(),
    pubackLatencyMs: (ms) => puback.observe(ms / 1000),
    committed: (count, durationMs) => {
      commitMessages.observe(count);
      commitSeconds.observe(durationMs / 1000);
    },
    framesIn: (codec, size) => count(counted.in[codec], size),
    framesOut: (codec, size) => count(counted.out[codec], size),
    async render(shard, gauges) {
      counted.qos.forEach((count, qos) => messages.inc({ qos }, count));
      counted.qos.fill(0);
      bytes.inc(counted.bytes);
      counted.bytes = 0;
      for (const [reason, count] of counted.denied) denied.inc({ reason }, count);
      counted.denied.clear();
      for (const direction of ['in', 'out'] as const) {
        for (const codec of ['json', 'cbor'] as const) {
          const counts = counted[direction][codec];
          frames.inc({ direction, codec }, counts.frames);
          frameBytes.inc({ direction, codec }, counts.bytes);
          counts.frames = counts.bytes = 0;
        }
      }
      setGauges(shardGauges, registers, { ...shard, ...gauges });
      const lines = counterLines(shard) + sleepLines(shard) + modelLines(shard);
      return { contentType: registry.contentType, body: (await registry.metrics()) + lines };
    },
  };
}

interface FrameCount {
  frames: number;
  bytes: number;
}

function frameCounts(): Record<'json' | 'cbor', FrameCount> {
  return { json: { frames: 0, bytes: 0 }, cbor: { frames: 0, bytes: 0 } };
}

function count(counts: FrameCount, bytes: number): void {
  counts.frames++;
  counts.bytes += bytes;
}

function setGauges(known: Map<string, Gauge>, registers: Registry[], values: Record<string, number>): void {
  for (const [key, value] of Object.entries(values)) {
    const [name, help] = SHARD_GAUGES[key] ?? [key, key];
    if (!name.startsWith('mooring_')) continue;
    let gauge = known.get(name);
    if (gauge === undefined) known.set(name, (gauge = new Gauge({ name, help, registers })));
    gauge.set(value);
  }
}

/** A shard keeps its own counters; they are written as they are, because prom-client's cannot be set. */
function counterLines(shard: Record<string, number>): string {
  return Object.entries(SHARD_COUNTERS)
    .map(
      ([key, [name, help]]) => `# HELP ${name} ${help}\n# TYPE ${name} counter\n${name} ${shard[key] ?? 0}\n`,
    )
    .join('');
}

/** Why agents left memory, and how long it took to wake them. */
function sleepLines(shard: Record<string, number>): string {
  const left = 'mooring_agent_hibernations_total';
  const woke = 'mooring_agent_wake_seconds';
  const causes = [
    `# HELP ${left} Agents that left memory: idle for the timeout, for room, told to\n# TYPE ${left} counter\n`,
    `${left}{cause="idle"} ${shard['hibernationsIdle'] ?? 0}\n`,
    `${left}{cause="room"} ${shard['hibernationsRoom'] ?? 0}\n`,
    `${left}{cause="now"} ${shard['hibernationsNow'] ?? 0}\n`,
  ];
  const times = [
    `# HELP ${woke} From finding an agent's rows to the end of its onStart; heavy: has its own file\n# TYPE ${woke} histogram\n`,
    bucketLines(shard, 'wakeLight', woke, 'storage="light"'),
    bucketLines(shard, 'wakeHeavy', woke, 'storage="heavy"'),
  ];
  return [...causes, ...times].join('');
}
