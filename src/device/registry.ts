import { BridgeError } from '../base/errors.ts';
import { forgetOldest } from '../base/forget-oldest.ts';
import { limits } from '../base/limits.ts';
import type { DeviceDefinition } from './definition.ts';
import {
  compileTopicPattern,
  isDeviceId,
  parseUplink,
  patternsOverlap,
  TOPIC_PREFIX,
  type DeviceAddress,
  type TopicPattern,
  type UplinkChannel,
} from './topics.ts';

/** What a topic means: whose it is and what is said on it. */
export interface TopicMatch {
  /** Null: the address is that of an agent that is no device, and the channel is `call`. */
  readonly definition: DeviceDefinition | null;
  readonly address: DeviceAddress;
  readonly channel: UplinkChannel;
  /** result: the correlation id; call: `method/cid`; else empty. */
  readonly subject: string;
}

interface OwnTopic extends TopicPattern {
  readonly definition: DeviceDefinition;
}

/**
 * The models a bridge knows, by name and by topic; of agents that are no devices (`plainModels`) only calls have a
 * topic. Throws BRG_DEFINITION when two definitions share a
 * model, or topics that could match the same message.
 */
export class Registry {
  readonly #definitions: readonly DeviceDefinition[];
  readonly #byModel = new Map<string, DeviceDefinition>();
  readonly #plainModels: ReadonlySet<string>;
  readonly #ownTopics: readonly OwnTopic[];
  /** Matches of topics that repeat. Only hits: misses are cheap, and a hostile client makes them up. */
  readonly #cache = new Map<string, TopicMatch>();

  constructor(definitions: readonly DeviceDefinition[], plainModels: readonly string[] = []) {
    this.#plainModels = new Set(plainModels);
    this.#definitions = Object.freeze([...definitions]);
    for (const definition of definitions) {
      if (this.#byModel.has(definition.model)) {
        throw new BridgeError('BRG_DEFINITION', `device "${definition.model}" is defined twice`);
      }
      this.#byModel.set(definition.model, definition);
    }
    this.#ownTopics = collectOwnTopics(definitions);
  }

  get(model: string): DeviceDefinition | undefined {
    return this.#byModel.get(model);
  }

  definitions(): readonly DeviceDefinition[] {
    return this.#definitions;
  }

  /** Whose topic it is; null when no device may publish there (downlink topics included). */
  matchTopic(topic: string): TopicMatch | null {
    const cached = this.#cache.get(topic);
    if (cached !== undefined) return cached;
    const match = topic.startsWith(TOPIC_PREFIX) ? this.#matchGrammar(topic) : this.#matchOwn(topic);
    // A subject is new every time; such a topic will not be seen again.
    if (match !== null && match.subject === '') this.#remember(topic, match);
    return match;
  }

  /** Whether the topic lies in the bridge's own grammar; without a match it is to be counted as unmapped. */
  isDeviceTopic(topic: string): boolean {
    return topic.startsWith(TOPIC_PREFIX);
  }

  #matchGrammar(topic: string): TopicMatch | null {
    const uplink = parseUplink(topic);
    if (uplink === null) return null;
    const { model, id, channel, subject } = uplink;
    const definition = this.#byModel.get(model) ?? null;
    if (definition === null && !(channel === 'call' && this.#plainModels.has(model))) return null;
    return { definition, address: { model, id }, channel, subject };
  }

  #matchOwn(topic: string): TopicMatch | null {
    if (this.#ownTopics.length === 0) return null;
    const levels = topic.split('/');
    for (const { definition, levels: expected, idLevel } of this.#ownTopics) {
      if (levels.length !== expected.length) continue;
      if (!levels.every((level, index) => index === idLevel || level === expected[index])) continue;
      const id = levels[idLevel] ?? '';
      if (!isDeviceId(id)) return null;
      return { definition, address: { model: definition.model, id }, channel: 'telemetry', subject: '' };
    }
    return null;
  }

  #remember(topic: string, match: TopicMatch): void {
    if (this.#cache.size >= limits.topicCacheEntriesMax) {
      forgetOldest(this.#cache);
    }
    this.#cache.set(topic, match);
  }
}

function collectOwnTopics(definitions: readonly DeviceDefinition[]): readonly OwnTopic[] {
  const own: OwnTopic[] = [];
  for (const definition of definitions) {
    const pattern = compileTopicPattern(definition.topics.telemetry);
    if (typeof pattern === 'string') continue; // it has none: defineDevice refused the bad ones
    const rival = own.find((other) => patternsOverlap(other, pattern));
    if (rival !== undefined) {
      throw new BridgeError(
        'BRG_DEFINITION',
        `devices "${rival.definition.model}" and "${definition.model}" have telemetry topics that match the same messages`,
      );
    }
    own.push({ ...pattern, definition });
  }
  return own;
}
