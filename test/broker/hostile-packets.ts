/** Bytes no honest client sends, with what MQTT 3.1.1 says a server does, and strange ones that are right. */
import { levelSequences, textSequences, topicSequences } from './hostile-topics.ts';
import { packet, PINGREQ, publish, subscribe, text, unsubscribe } from './packets.ts';
import { connect, first, later, type Sequence } from './sequence.ts';

const connectSequences = [
  first('closed', 'HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')),
  first('closed', 'a TLS ClientHello', Buffer.from('16030100f8010000f40303', 'hex')),
  first('closed', 'a line feed', Buffer.from('\n')),
  ...[0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map((type) =>
    first('closed', `packet type ${type} first [MQTT-3.1.0-1]`, Buffer.from([type << 4, 0])),
  ),
  first('closed', 'PINGREQ first', PINGREQ),
  first('closed', 'PUBLISH first', publish('a')),
  ...[1, 2, 4, 8, 15].map((flags) =>
    first('closed', `CONNECT with flags ${flags} [MQTT-2.2.2-2]`, connect({ first: 0x10 | flags })),
  ),
  first('closed', 'CONNECT without a body', packet(0x10, [])),
  first('closed', 'CONNECT of a name only', packet(0x10, text('MQTT'))),
  first('closed', 'CONNECT that ends in its keep alive', packet(0x10, [...text('MQTT'), 4, 2, 0])),
  first('closed', 'CONNECT without a client id', packet(0x10, [...text('MQTT'), 4, 2, 0, 60])),
  first('closed', 'CONNECT with a client id cut off', packet(0x10, [...text('MQTT'), 4, 2, 0, 60, 0, 5, 97])),
  first('closed', 'CONNECT with a byte too many', connect({ rest: [Buffer.from([0])] })),
  first('closed', 'CONNECT with a field too many', connect({ rest: [text('user')] })),
  ...['', 'MQTt', 'mqtt', 'MQTTX', 'MQT', 'MQIsdP', 'HTTP'].map((protocol) =>
    first('closed', `protocol name "${protocol}" [MQTT-3.1.2-1]`, connect({ protocol })),
  ),
  ...[0, 1, 2, 3, 5, 6, 9, 0x83, 0x84, 255].map((level) =>
    first('refused 1', `protocol level ${level} [MQTT-3.1.2-2]`, connect({ level })),
  ),
  first('refused 1', 'MQIsdp of level 4', connect({ protocol: 'MQIsdp', level: 4 })),
  first('open', 'MQTT 3.1', connect({ protocol: 'MQIsdp', level: 3 })),
  first('closed', 'reserved flag of CONNECT [MQTT-3.1.2-3]', connect({ flags: 3 })),
  first('closed', 'will QoS 1 without a will [MQTT-3.1.2-13]', connect({ flags: 0x0a })),
  first('closed', 'will QoS 2 without a will', connect({ flags: 0x12 })),
  first('closed', 'will retain without a will [MQTT-3.1.2-15]', connect({ flags: 0x22 })),
  first('closed', 'will QoS 3 [MQTT-3.1.2-14]', connect({ flags: 0x1e, rest: [text('a'), text('x')] })),
  first('closed', 'a will without topic', connect({ flags: 6 })),
  first('closed', 'a will without message', connect({ flags: 6, rest: [text('a')] })),
  first('closed', 'a will cut off', connect({ flags: 6, rest: [text('a'), text('x', 9)] })),
  first('open', 'a will of any bytes', connect({ flags: 6, rest: [text('a'), text(Buffer.from([0, 255]))] })),
  first('closed', 'password without user name [MQTT-3.1.2-22]', connect({ flags: 0x42, rest: [text('p')] })),
  first('closed', 'no user name where one is announced', connect({ flags: 0x82 })),
  first('closed', 'no password where one is announced', connect({ flags: 0xc2, rest: [text('u')] })),
  first(
    'open',
    'user name and a password of any bytes',
    connect({ flags: 0xc2, rest: [text('u'), text(Buffer.from([0, 255]))] }),
  ),
  first('open', 'an empty user name', connect({ flags: 0x82, rest: [text('')] })),
  first('refused 2', 'no client id with clean session 0 [MQTT-3.1.3-8]', connect({ clientId: '', flags: 0 })),
  first('refused 2', 'no client id in MQTT 3.1', connect({ protocol: 'MQIsdp', level: 3, clientId: '' })),
  first('open', 'no client id with clean session 1 [MQTT-3.1.3-6]', connect({ clientId: '' })),
  first('open', 'the client id __proto__', connect({ clientId: '__proto__' })),
  first('open', 'the client id constructor', connect({ clientId: 'constructor' })),
  first('closed', 'CONNECT of 8 KiB and a byte', packet(0x10, Buffer.alloc(10), 8193)),
  first('closed', 'CONNECT of 256 MB', packet(0x10, Buffer.alloc(10), 268_435_455)),
  first('open', 'CONNECT of nearly 8 KiB', connect({ clientId: 'c'.repeat(8170) })),
  later('closed', 'a second CONNECT [MQTT-3.1.0-2]', connect()),
];

const lengthSequences = [
  later('closed', 'a remaining length of five bytes', Buffer.from([0xc0, 0x80, 0x80, 0x80, 0x80, 0])),
  later('closed', 'a remaining length that never ends', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff])),
  first(
    'closed',
    'CONNECT with a remaining length of five bytes',
    Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0x7f]),
  ),
  later('open', 'a remaining length longer than it has to be', Buffer.from([0xc0, 0x80, 0])),
  later('closed', 'PUBLISH of 256 MB', packet(0x30, text('a'), 268_435_455)),
  later('closed', 'PUBLISH of 256 KiB and a byte', packet(0x30, text('a'), 262_145)),
  later('open', 'PUBLISH of 256 KiB', packet(0x30, Buffer.concat([text('a'), Buffer.alloc(262_141)]))),
  later('closed', 'SUBSCRIBE of 1 MB', packet(0x82, [0, 1], 1_000_000)),
];

const publishSequences = [
  later('closed', 'PUBLISH with QoS 3 [MQTT-3.3.1-4]', publish('a', 6, 1)),
  later('closed', 'PUBLISH with QoS 3 and DUP', publish('a', 14, 1)),
  later('closed', 'PUBLISH with DUP and QoS 0 [MQTT-3.3.1-2]', publish('a', 8)),
  later('closed', 'PUBLISH with DUP, RETAIN and QoS 0', publish('a', 9)),
  later('closed', 'PUBLISH QoS 1 with packet id 0 [MQTT-2.3.1-1]', publish('a', 2, 0)),
  later('closed', 'PUBLISH QoS 2 with packet id 0', publish('a', 4, 0)),
  later('closed', 'PUBLISH without a body', packet(0x30, [])),
  later('closed', 'PUBLISH of one byte', packet(0x30, [0])),
  later('closed', 'PUBLISH with an empty topic', packet(0x30, [0, 0])),
  later('closed', 'PUBLISH with a topic cut off', packet(0x30, [0, 5, 97, 98])),
  later('closed', 'PUBLISH QoS 1 without packet id', packet(0x32, text('a'))),
  later('closed', 'PUBLISH QoS 1 with half a packet id', packet(0x32, [...text('ab'), 0])),
  later('closed', 'PUBLISH QoS 2 with half a packet id', packet(0x34, [...text('ab'), 0])),
  later('open', 'PUBLISH without a payload', packet(0x30, text('a'))),
  later('open', 'PUBLISH retained and empty', packet(0x31, text('a'))),
  later('open', 'PUBLISH QoS 1 with packet id 65,535', publish('a', 2, 65_535)),
  later('open', 'PUBLISH QoS 1 with DUP', publish('a', 10, 7)),
];

const acknowledgements = [
  ['PUBACK', 0x40],
  ['PUBREC', 0x50],
  ['PUBREL', 0x62],
  ['PUBCOMP', 0x70],
] as const;

const acknowledgementSequences = acknowledgements.flatMap(([name, head]) => [
  later('closed', `${name} with packet id 0`, packet(head, [0, 0])),
  later('closed', `${name} without packet id`, packet(head, [])),
  later('closed', `${name} with half a packet id`, packet(head, [1])),
  later('closed', `${name} with three bytes`, packet(head, [0, 1, 0])),
  later('closed', `${name} with other flags`, packet(head ^ 2, [0, 1])),
  later('closed', `${name} with all flags`, packet(head | 15, [0, 1])),
  later('open', `${name} nobody waits for`, packet(head, [0, 9])),
]);

const subscribeSequences = [
  ...[0, 1, 3, 6, 10].map((flags) =>
    later('closed', `SUBSCRIBE with flags ${flags} [MQTT-3.8.1-1]`, subscribe('a', 0, 1, 0x80 | flags)),
  ),
  ...[0, 1, 3, 10].map((flags) =>
    later('closed', `UNSUBSCRIBE with flags ${flags} [MQTT-3.10.1-1]`, unsubscribe('a', 1, 0xa0 | flags)),
  ),
  later('closed', 'SUBSCRIBE with packet id 0', subscribe('a', 0, 0)),
  later('closed', 'UNSUBSCRIBE with packet id 0', unsubscribe('a', 0)),
  later('closed', 'SUBSCRIBE without filter [MQTT-3.8.3-3]', packet(0x82, [0, 1])),
  later('closed', 'UNSUBSCRIBE without filter [MQTT-3.10.3-2]', packet(0xa2, [0, 1])),
  later('closed', 'SUBSCRIBE without body', packet(0x82, [])),
  later('closed', 'SUBSCRIBE without QoS', packet(0x82, [0, 1, ...text('a')])),
  later(
    'closed',
    'SUBSCRIBE whose second filter has no QoS',
    packet(0x82, [0, 1, ...text('a'), 0, ...text('b')]),
  ),
  later('closed', 'SUBSCRIBE with a filter cut off', packet(0x82, [0, 1, 0, 9, 97, 98])),
  later('closed', 'UNSUBSCRIBE with a filter cut off', packet(0xa2, [0, 1, 0, 9, 97, 98])),
  later('closed', 'SUBSCRIBE with half a length', packet(0x82, [0, 1, ...text('a'), 0, 0])),
  ...[3, 4, 0x80, 0xfc, 0xff].map((qos) =>
    later('closed', `SUBSCRIBE with QoS byte ${qos} [MQTT-3.8.3-4]`, subscribe('a', qos)),
  ),
  later(
    'closed',
    'SUBSCRIBE whose second filter is wrong',
    packet(0x82, [0, 1, ...text('a'), 0, ...text('b#'), 0]),
  ),
  later('open', 'SUBSCRIBE to two filters', packet(0x82, [0, 1, ...text('a'), 0, ...text('b'), 2])),
];

const otherSequences = [
  ...[0, 2, 9, 11, 13, 15].map((type) =>
    later('closed', `packet type ${type}, which no client sends`, Buffer.from([type << 4, 2, 0, 0])),
  ),
  later('closed', 'PINGREQ with flags', Buffer.from([0xc1, 0])),
  later('closed', 'PINGREQ with a body', Buffer.from([0xc0, 1, 0])),
  later('closed', 'DISCONNECT with flags [MQTT-3.14.1-1]', Buffer.from([0xe1, 0])),
  later('closed', 'DISCONNECT with a body', Buffer.from([0xe0, 1, 0])),
  later('closed', 'PUBLISH after DISCONNECT', Buffer.from([0xe0, 0]), publish('a', 2, 1)),
  later(
    'closed',
    'a fault behind 50 right packets',
    Buffer.concat(Array.from({ length: 50 }, () => PINGREQ)),
    publish('+'),
  ),
  later('closed', 'random bytes', Buffer.from('f3a1907be2', 'hex')),
  later('open', '1,000 PINGREQ at once', Buffer.concat(Array.from({ length: 1000 }, () => PINGREQ))),
  later('open', 'a packet of remaining length 127', publish('a'.repeat(124))),
  later('open', 'a packet of remaining length 128', publish('a'.repeat(125))),
  later('open', 'a packet of remaining length 16,384', publish('a'.repeat(16_381))),
];

/** By the row of the abuse checklist that names the attack. */
export const sequencesByRow: Readonly<Record<number, readonly Sequence[]>> = {
  1: [...connectSequences, ...subscribeSequences, ...otherSequences],
  2: lengthSequences,
  4: textSequences,
  5: levelSequences,
  7: topicSequences,
  8: [...publishSequences, ...acknowledgementSequences],
};

export const sequences: readonly Sequence[] = Object.values(sequencesByRow).flat();
