/**
 * The topic grammar of the contract, and topics of a model's own (`acme/:id/up`).
 * Up: `devices/{model}/{id}/` telemetry, reported, presence, result/{cid}, call/{method}/{cid}.
 * Down: `devices/{model}/{id}/` desired, command/{name}/{cid}, reply/{cid}, frames.
 */
import { limits } from '../base/limits.ts';

/** The same pair as everywhere: `devices/{model}/{id}/...`, `model/id`. */
export interface DeviceAddress {
  readonly model: string;
  readonly id: string;
}

/** Every topic of the own grammar starts with this. */
export const TOPIC_PREFIX = 'devices/';

// All of it is ASCII: one byte a character.
const MODEL = new RegExp(`^[a-z0-9-]{1,${limits.modelBytesMax}}$`);
const ID = new RegExp(`^[A-Za-z0-9._~:-]{1,${limits.agentIdBytesMax}}$`);
const CORRELATION_ID = new RegExp(`^[A-Za-z0-9._~:-]{1,${limits.correlationIdBytesMax}}$`);
const METHOD = new RegExp(`^[A-Za-z_][A-Za-z0-9_-]{0,${limits.nameBytesMax - 1}}$`);

export function isModel(model: string): boolean {
  return MODEL.test(model);
}

export function isDeviceId(id: string): boolean {
  return ID.test(id);
}

export type UplinkChannel = 'telemetry' | 'reported' | 'result' | 'call' | 'presence';

export interface Uplink {
  readonly model: string;
  readonly id: string;
  readonly channel: UplinkChannel;
  /** result: the correlation id; call: `method/cid`; else empty. */
  readonly subject: string;
}

/** A topic of the own grammar a device may speak on; null for any other, downlink topics included. */
export function parseUplink(topic: string): Uplink | null {
  if (!topic.startsWith(TOPIC_PREFIX)) return null;
  const modelEnd = topic.indexOf('/', TOPIC_PREFIX.length);
  const idEnd = modelEnd < 0 ? -1 : topic.indexOf('/', modelEnd + 1);
  if (idEnd < 0) return null;
  const model = topic.slice(TOPIC_PREFIX.length, modelEnd);
  const id = topic.slice(modelEnd + 1, idEnd);
  if (!MODEL.test(model) || !ID.test(id)) return null;
  const rest = topic.slice(idEnd + 1);
  if (rest === 'telemetry' || rest === 'reported' || rest === 'presence') {
    return { model, id, channel: rest, subject: '' };
  }
  const slash = rest.indexOf('/');
  if (slash < 0) return null;
  const subject = rest.slice(slash + 1);
  switch (rest.slice(0, slash)) {
    case 'result':
      return CORRELATION_ID.test(subject) ? { model, id, channel: 'result', subject } : null;
    case 'call':
      return isCallSubject(subject) ? { model, id, channel: 'call', subject } : null;
    default:
      return null;
  }
}

function isCallSubject(subject: string): boolean {
  const slash = subject.indexOf('/');
  return slash > 0 && METHOD.test(subject.slice(0, slash)) && CORRELATION_ID.test(subject.slice(slash + 1));
}

/** The topics on which a device is spoken to. */
export interface DownlinkTopics {
  readonly desired: string;
  /** Ends with a slash; `{name}/{cid}` follows. */
  readonly commandPrefix: string;
  readonly frames: string;
  reply(cid: string): string;
  command(name: string, cid: string): string;
}

export function downlinkTopics(address: DeviceAddress): DownlinkTopics {
  const base = `${TOPIC_PREFIX}${address.model}/${address.id}/`;
  return {
    desired: `${base}desired`,
    commandPrefix: `${base}command/`,
    frames: `${base}frames`,
    reply: (cid) => `${base}reply/${cid}`,
    command: (name, cid) => `${base}command/${name}/${cid}`,
  };
}

/** A model's own topic: what stands before and after the id. */
export interface TopicPattern {
  readonly levels: readonly string[];
  /** Index of the level that is the id. */
  readonly idLevel: number;
}

/** Compiles `acme/:id/up`; a string says what is wrong with it. */
export function compileTopicPattern(pattern: unknown): TopicPattern | string {
  if (typeof pattern !== 'string') return 'is not text';
  if (/[+#\0]/.test(pattern)) return 'holds a wildcard or NUL'; // [MQTT-4.7.1-1], [MQTT-4.7.3-2]
  if (pattern.startsWith('$')) return 'starts with $, which belongs to the broker'; // [MQTT-4.7.2-1]
  if (pattern.startsWith(TOPIC_PREFIX))
    return `starts with ${TOPIC_PREFIX}, which is the bridge's own grammar`;
  const levels = pattern.split('/');
  const idLevel = levels.indexOf(':id');
  if (idLevel < 0 || levels.lastIndexOf(':id') !== idLevel)
    return 'does not hold `:id` exactly once as a level';
  if (levels.some((level, index) => index !== idLevel && level.includes(':id')))
    return 'holds `:id` within a level';
  return { levels, idLevel };
}

/** Whether some topic fits both, so that its model would be a matter of luck. */
export function patternsOverlap(a: TopicPattern, b: TopicPattern): boolean {
  if (a.levels.length !== b.levels.length) return false;
  return a.levels.every(
    (level, index) => index === a.idLevel || index === b.idLevel || level === b.levels[index],
  );
}
