/** The retained message of each topic, as a tree of the topics' levels, so that a filter looks at its own only. */
import { changeAt, levelOf, newLevel, type Level } from './level-tree.ts';
import type { Message } from './message.ts';
import { SESSION_BOUNDS, type SessionBounds } from './session-host.ts';

/** What a topic has kept [MQTT-3.3.1-5]. */
export interface Retained {
  readonly message: Message;
  readonly qos: 0 | 1 | 2;
  /** Who set it, where clients have names; empty: nobody is asked. */
  readonly setBy: string;
}

/** See the head of this file. */
export class RetainedMessages {
  readonly #root = newLevel<Retained>();
  readonly #bounds: Pick<SessionBounds, 'retainedMax' | 'retainedBytesMax'>;
  #count = 0;
  #bytes = 0;

  constructor(bounds: Pick<SessionBounds, 'retainedMax' | 'retainedBytesMax'> = SESSION_BOUNDS) {
    this.#bounds = bounds;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(topic: string): Retained | undefined {
    let level: Level<Retained> | undefined = this.#root;
    for (const name of topic.split('/')) level = level?.children?.get(name);
    return level?.value ?? undefined;
  }

  /** Keeps it in place of the one before; false: there is no room for it, and the one before stays. */
  set(retained: Retained): boolean {
    const { topic, bytes } = retained.message;
    const before = this.get(topic);
    const bytesAfter = this.#bytes + bytes - (before?.message.bytes ?? 0);
    if (bytesAfter > this.#bounds.retainedBytesMax) return false;
    if (before === undefined && this.#count >= this.#bounds.retainedMax) return false;
    retained.message.keep();
    retained.message.forgetPacket();
    levelOf(this.#root, topic).value = retained;
    this.#bytes = bytesAfter;
    if (before === undefined) this.#count += 1;
    return true;
  }

  /** @returns whether there was one */
  delete(topic: string): boolean {
    const before = this.get(topic);
    if (before === undefined) return false;
    changeAt(this.#root, topic, () => null);
    this.#count -= 1;
    this.#bytes -= before.message.bytes;
    return true;
  }

  /** Those whose topics match. */
  *matching(filter: string): Generator<Retained> {
    yield* matchingFrom(this.#root, filter.split('/'), 0);
  }
}

function* matchingFrom(level: Level<Retained>, names: readonly string[], depth: number): Generator<Retained> {
  const name = names[depth];
  if (name === '#') {
    yield* below(level, depth);
  } else if (name === undefined) {
    if (level.value !== null) yield level.value;
  } else if (name === '+') {
    for (const [child, next] of level.children ?? [])
      if (depth > 0 || !child.startsWith('$')) yield* matchingFrom(next, names, depth + 1);
  } else {
    const next = level.children?.get(name);
    if (next !== undefined) yield* matchingFrom(next, names, depth + 1);
  }
}

/** The level's own as well: `a/#` matches `a`. */
function* below(level: Level<Retained>, depth: number): Generator<Retained> {
  if (level.value !== null) yield level.value;
  for (const [child, next] of level.children ?? [])
    if (depth > 0 || !child.startsWith('$')) yield* below(next, depth + 1);
}
