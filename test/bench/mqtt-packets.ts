/** The few MQTT 3.1.1 packets a load generator needs, as bytes. */

export const PUBACK_BYTES = 4;
export const CONNACK_BYTES = 4;
export const PINGRESP_BYTES = 2;
export const DISCONNECT = Buffer.from([0xe0, 0]);
export const PINGREQ = Buffer.from([0xc0, 0]);

/** Clean session, no keep alive [MQTT-3.1]. */
export function connectPacket(clientId: string): Buffer {
  const variable = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0]);
  return packet(0x10, [variable, text(clientId)]);
}

/** QoS 1, or QoS 0 with a packet id of 0 [MQTT-3.3]. */
export function publishPacket(topic: string, packetId: number, payload: Uint8Array): Buffer {
  if (packetId === 0) return packet(0x30, [text(topic), payload]);
  return packet(0x32, [text(topic), Buffer.from([packetId >> 8, packetId & 255]), payload]);
}

function packet(header: number, parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([header, ...remainingLength(body.length)]), body]);
}

/** [MQTT-2.2.3] */
function remainingLength(length: number): number[] {
  const bytes: number[] = [];
  let left = length;
  do {
    const digit = left % 128;
    left = Math.floor(left / 128);
    bytes.push(left > 0 ? digit | 128 : digit);
  } while (left > 0);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}
