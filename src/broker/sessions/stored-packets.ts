/** Packets and subscriptions in aedes' words. */
import { Message } from './message.ts';
import type { Retained } from './retained-messages.ts';

/** What aedes hands over and wants back: a PUBLISH, or the PUBREL that takes its place. */
export interface StoredPacket {
  cmd: string;
  topic?: string;
  payload?: Buffer | string;
  qos?: number;
  retain?: boolean;
  dup?: boolean;
  messageId?: number | undefined;
  brokerId?: string;
  brokerCounter?: number;
  clientId?: string;
}

/** A subscription in aedes' words. */
export interface StoredSubscription {
  topic: string;
  qos: number;
  rh?: number | undefined;
  rap?: boolean | undefined;
  nl?: boolean | undefined;
  subscriptionIdentifier?: number;
  clientId?: string;
}

/** What a packet or a row says; it was checked when it came. */
export function qosOf(value: number): 0 | 1 | 2 {
  return value === 2 ? 2 : value === 1 ? 1 : 0;
}

/** What its topic is to keep of it. */
export function retainedOf(packet: StoredPacket): Retained {
  return {
    message: new Message(packet.topic ?? '', packet.payload ?? ''),
    qos: qosOf(packet.qos ?? 0),
    setBy: '',
  };
}

/** A packet of what a topic has kept. */
export function retainedPacket({ message, qos }: Retained): StoredPacket {
  const { topic, payload } = message;
  return { cmd: 'publish', topic, payload, qos, retain: true, dup: false };
}

/** A copy that has no packet id yet. */
export function queuedPacket(packet: StoredPacket): StoredPacket {
  const { cmd, topic, payload, qos, retain = false, dup = false, brokerId, brokerCounter } = packet;
  const numbers = {
    ...(brokerId === undefined ? {} : { brokerId }),
    ...(brokerCounter === undefined ? {} : { brokerCounter }),
  };
  const about = { cmd, retain, dup, ...numbers, messageId: undefined };
  return { ...about, ...(topic === undefined ? {} : { topic, payload, qos }) } as StoredPacket; // of its own parts
}

/** A copy of what aedes says about a subscription. */
export function subscriptionOf({ clientId: _clientId, ...given }: StoredSubscription): StoredSubscription {
  return { ...given };
}
