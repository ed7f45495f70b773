/** What happens to sessions by itself: they expire, and wills of a process that ended are published. */
import { limits } from '../base/limits.ts';
import type { WillRow } from '../base/session-rows.ts';
import type { BrokerContext } from './context.ts';
import { publishWill } from './hooks.ts';
import type { PublishPacket } from './mqtt-server.ts';

export interface UpkeepOptions {
  readonly willGraceMs?: number;
}

/** See the head of this file. Must be made before the first client connects. */
export class SessionUpkeep {
  readonly #context: BrokerContext;
  readonly #sweep: NodeJS.Timeout;
  readonly #grace: NodeJS.Timeout;

  constructor(context: BrokerContext, { willGraceMs }: UpkeepOptions) {
    this.#context = context;
    const { sessions } = context;
    const sweepMs = Math.min(limits.mqttSessionSweepMs, sessions.expiryMs);
    this.#sweep = setInterval(() => sessions.expire(Date.now()), sweepMs).unref();
    const left = sessions.wills();
    this.#grace = setTimeout(() => this.#publishWills(left), willGraceMs ?? limits.mqttWillGraceMs).unref();
  }

  numbers(): Record<string, number> {
    const { sessions } = this.#context;
    return {
      mooring_mqtt_sessions: sessions.keptCount,
      mooring_mqtt_queued_bytes: sessions.queuedBytes,
      mooring_mqtt_retained_messages: sessions.retained.count,
      mooring_mqtt_retained_bytes: sessions.retained.bytes,
    };
  }

  stop(): void {
    clearInterval(this.#sweep);
    clearTimeout(this.#grace);
  }

  /** [MQTT-3.1.2-8]: their connections ended without a DISCONNECT. Those who came back have no such will any more. */
  #publishWills(left: readonly WillRow[]): void {
    const { sessions } = this.#context;
    for (const will of left) {
      if (sessions.will(will.client) !== will) continue;
      if (!this.#mayStill(will)) {
        sessions.deleteWill(will.client);
        continue;
      }
      const { topic, payload, qos, isRetained: retain } = will;
      const packet = {
        cmd: 'publish',
        topic,
        payload: Buffer.from(payload),
        qos,
        retain,
        dup: false,
      } as PublishPacket; // its row was one
      publishWill(this.#context, null, packet, () => sessions.deleteWill(will.client));
    }
  }

  /** Where clients have names, a session's ends with it (authenticate.ts). */
  #mayStill({ client, topic }: WillRow): boolean {
    const { identities } = this.#context;
    return (
      identities === null || identities.mayNow(client.slice(client.lastIndexOf('@') + 1), 'publish', topic)
    );
  }
}
