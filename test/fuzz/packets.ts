/** Streams of MQTT packets as clients of all kinds of honesty send them. */
import { connect, packet, PINGREQ, publish, subscribe, text, unsubscribe } from '../broker/packets.ts';
import { mutate } from './mutate.ts';
import type { Random } from './random.ts';

export interface PacketStream {
  readonly packets: readonly Buffer[];
  /** A session that outlives the connection was asked for, under this name. */
  readonly persistent: string | null;
}

const TOPICS = [
  'a',
  'a/b',
  'a/b/c',
  '/',
  'ü/😀',
  'devices/pump/p1/telemetry',
  'devices/pump/p2/telemetry',
  'devices/pump/p1/reported',
  'devices/pump/p1/result/c1',
  'devices/pump/p1/call/x/c2',
  'devices/pump/p1/presence',
  'devices/none/x/telemetry',
  'devices/pump',
  '$SYS/x',
  '$share/g/a',
  'x'.repeat(300),
];
const FILTERS = [
  ...TOPICS,
  '#',
  '+',
  'a/#',
  '+/b',
  'a/+/c',
  'devices/+/+/telemetry',
  'devices/pump/p1/command/#',
  'devices/pump/p1/frames',
  '$SYS/#',
];
const PAYLOADS = [
  '',
  '{}',
  '{"vibration":1}',
  '[{"ts":1,"vibration":2}]',
  '\xa1',
  'x'.repeat(2000),
  '{"a":',
  'offline',
];

/** One connection: up to 60 packets, each wrong with a chance that belongs to the connection. */
export function packetStream(random: Random): PacketStream {
  const wrong = random.pick([0, 0, 0.02, 0.2, 1]);
  const isPersistent = random.chance(0.02);
  const clientId = `f${random.below(200)}`;
  const packets = [connectPacket(random, clientId, isPersistent)];
  for (let n = random.below(60); n > 0; n--) packets.push(anyPacket(random));
  return {
    packets: packets.map((bytes) => (random.chance(wrong) ? mutate(bytes, random) : bytes)),
    persistent: isPersistent ? clientId : null,
  };
}

function connectPacket(random: Random, clientId: string, isPersistent: boolean): Buffer {
  if (random.chance(0.02)) return random.bytes(random.below(40));
  const rest: Buffer[] = [];
  let flags = isPersistent ? 0 : 2;
  if (random.chance(0.2)) {
    flags |= 4 | (random.below(3) << 3) | (random.below(2) << 5);
    rest.push(text(random.pick(TOPICS)), text(random.pick(PAYLOADS)));
  }
  if (random.chance(0.2)) {
    flags |= 0x80;
    rest.push(text('user?codec=cbor'));
  }
  return connect({ clientId, flags, rest, level: random.chance(0.98) ? 4 : random.below(256) });
}

function anyPacket(random: Random): Buffer {
  const id = 1 + random.below(40);
  const kind = random.below(20);
  if (kind < 11) return anyPublish(random, id);
  if (kind < 13) return subscribe(random.pick(FILTERS), random.below(3), id);
  if (kind < 14) return unsubscribe(random.pick(FILTERS), id);
  if (kind < 18) return packet([0x40, 0x50, 0x62, 0x70][kind - 14]!, [id >> 8, id & 255]);
  if (kind < 19 || random.chance(0.9)) return PINGREQ;
  return random.chance(0.5) ? Buffer.from([0xe0, 0]) : random.bytes(1 + random.below(30));
}

function anyPublish(random: Random, id: number): Buffer {
  const qos = random.below(3);
  const flags = (qos << 1) | (random.chance(0.05) ? 1 : 0) | (qos > 0 && random.chance(0.1) ? 8 : 0);
  if (qos === 0 && random.chance(0.1)) return publish(random.pick(TOPICS), flags);
  const head = qos === 0 ? [] : [id >> 8, id & 255];
  return packet(
    0x30 | flags,
    Buffer.concat([text(random.pick(TOPICS)), Buffer.from(head), Buffer.from(random.pick(PAYLOADS))]),
  );
}
