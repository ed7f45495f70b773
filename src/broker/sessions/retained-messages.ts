/** The retained message of each topic, as a tree of the topics' levels, so that a filter looks at its own only. */
import { limits } from '../../base/limits.ts';
import type { Message } from './message.ts';

/** What a topic has kept [MQTT-3.3.1-5]. */
export interface Retained {
  readonly message: Message;
  readonly qos: 0 | 1 | 2;
  /** Who set it, where clients have names; empty: nobody is asked. */
  readonly setBy: string;
}

interface Level {
  retained: Retained | null;
  children: Map<string, Level> | null;
}

/** See the head of this file. */
export class RetainedMessages {
  readonly #root: Level = { retained: null, children: null };
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(topic: string): Retained | undefined {
    let level: Level | undefined = this.#root;
    for (const name of topic.split('/')) level = level?.children?.get(name);
    return level?.retained ?? undefined;
  }

  /** Keeps it in place of the one before; false: there is no room for it, and the one before stays. */
  set(retained: Retained): boolean {
    const { topic, bytes } = retained.message;
    const before = this.get(topic);
    const bytesAfter = this.#bytes + bytes - (before?.message.bytes ?? 0);
    if (bytesAfter > limits.mqttRetainedBytesMax) return false;
    if (before === undefined && this.#count >= limits.mqttRetainedMax) return false;
    let level = this.#root;
    for (const name of topic.split('/')) {
      level.children ??= new Map();
      let next = level.children.get(name);
      if (next === undefined) level.children.set(name, (next = { retained: null, children: null }));
      level = next;
    }
    level.retained = retained;
    this.#bytes = bytesAfter;
    if (before === undefined) this.#count += 1;
    return true;
  }

  /** @returns whether there was one */
  delete(topic: string): boolean {
    const before = this.get(topic);
    if (before === undefined) return false;
    removeFrom(this.#root, topic.split('/'), 0);
    this.#count -= 1;
    this.#bytes -= before.message.bytes;
    return true;
  }

  /** Those whose topics match. */
  *matching(filter: string): Generator<Retained> {
    yield* matchingFrom(this.#root, filter.split('/'), 0);
  }
}

function removeFrom(level: Level, names: readonly string[], depth: number): void {
  const name = names[depth];
  if (name === undefined) {
    level.retained = null;
    return;
  }
  const child = level.children?.get(name);
  if (child === undefined) return;
  removeFrom(child, names, depth + 1);
  if (child.retained === null && child.children === null) {
    level.children?.delete(name);
    if (level.children?.size === 0) level.children = null;
  }
}

function* matchingFrom(level: Level, names: readonly string[], depth: number): Generator<Retained> {
  const name = names[depth];
  if (name === '#') {
    yield* below(level, depth);
  } else if (name === undefined) {
    if (level.retained !== null) yield level.retained;
  } else if (name === '+') {
    for (const [child, next] of level.children ?? [])
      if (depth > 0 || !child.startsWith('$')) yield* matchingFrom(next, names, depth + 1);
  } else {
    const next = level.children?.get(name);
    if (next !== undefined) yield* matchingFrom(next, names, depth + 1);
  }
}

/** The level's own as well: `a/#` matches `a`. */
function* below(level: Level, depth: number): Generator<Retained> {
  if (level.retained !== null) yield level.retained;
  for (const [child, next] of level.children ?? [])
    if (depth > 0 || !child.startsWith('$')) yield* below(next, depth + 1);
}
