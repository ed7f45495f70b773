/** Retained messages a client has yet to get, by their topics: it gets those that are current when it has room. */
import { limits } from '../../base/limits.ts';

/** The next of them, with the QoS its subscription allows. */
export interface Fed {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
}

/** See the head of this file. */
export class RetainedFeeds {
  readonly #feeds: { readonly topics: Iterator<string>; readonly qos: 0 | 1 | 2 }[] = [];

  /** False: too many subscriptions wait for theirs. */
  add(topics: readonly string[], qos: 0 | 1 | 2): boolean {
    if (this.#feeds.length >= limits.mqttRetainedFeedsMax) return false;
    this.#feeds.push({ topics: topics[Symbol.iterator](), qos });
    return true;
  }

  /** @param qosMax what there is room for; null: there is none of that, or none at all */
  next(qosMax: 0 | 2): Fed | null {
    for (;;) {
      const [feed] = this.#feeds;
      if (feed === undefined || feed.qos > qosMax) return null;
      const { value: topic, done } = feed.topics.next();
      if (done !== true) return { topic, qos: feed.qos };
      this.#feeds.shift();
    }
  }
}
