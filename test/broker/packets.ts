/** MQTT packets byte by byte, so that each part of one can be wrong. */

/** A string with its length in front (section 1.5.3); bytes stand as they are. */
export function text(value: string | Uint8Array, length?: number): Buffer {
  const bytes = Buffer.from(value as string); // a copy of either
  const declared = length ?? bytes.length;
  return Buffer.concat([Buffer.from([declared >> 8, declared & 255]), bytes]);
}

/** A packet with its remaining length, which may be declared otherwise. */
export function packet(first: number, body: Uint8Array | readonly number[], declared?: number): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from([first, ...remainingLength(declared ?? bytes.length)]), bytes]);
}

function remainingLength(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  do {
    bytes.push((left & 127) | (left > 127 ? 128 : 0));
    left >>= 7;
  } while (left > 0);
  return bytes;
}

export interface ConnectParts {
  readonly protocol?: string | Uint8Array;
  readonly level?: number;
  readonly flags?: number;
  readonly clientId?: string | Uint8Array;
  /** What follows the client id: will topic, will message, user name, password. */
  readonly rest?: readonly Buffer[];
  readonly first?: number;
}

export function connect(parts: ConnectParts = {}): Buffer {
  const { protocol = 'MQTT', level = 4, flags = 2, clientId = 'h1', rest = [], first = 0x10 } = parts;
  const head = Buffer.from([level, flags, 0, 60]);
  return packet(first, Buffer.concat([text(protocol), head, text(clientId), ...rest]));
}

/** @param flags those of the first byte @param id given: the packet id, whatever the QoS */
export function publish(topic: string | Uint8Array, flags = 0, id?: number): Buffer {
  const packetId = id === undefined ? [] : [id >> 8, id & 255];
  return packet(0x30 | flags, Buffer.concat([text(topic), Buffer.from(packetId), Buffer.from('x')]));
}

export function subscribe(filter: string | Uint8Array, qos = 0, id = 1, first = 0x82): Buffer {
  return packet(first, Buffer.concat([Buffer.from([id >> 8, id & 255]), text(filter), Buffer.from([qos])]));
}

export function unsubscribe(filter: string | Uint8Array, id = 1, first = 0xa2): Buffer {
  return packet(first, Buffer.concat([Buffer.from([id >> 8, id & 255]), text(filter)]));
}

/** Type of the answer to it. */
export const PINGRESP = 13;
export const PINGREQ = Buffer.from([0xc0, 0]);

/** Types of the packets that are complete in these bytes. */
export function packetTypes(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at < bytes.length;) {
    let length = 0;
    let next = at + 1;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[next++];
      if (byte === undefined) return types;
      length += (byte & 127) << shift;
      if (byte < 128) break;
    }
    if (next + length > bytes.length) return types;
    types.push((bytes[at] ?? 0) >> 4);
    at = next + length;
  }
  return types;
}
