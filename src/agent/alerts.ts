import type { ActorContext } from '../actor/index.ts';
import { limits } from '../base/limits.ts';
import type { MetricValue } from '../device/index.ts';
import type { Outbound } from './outbound.ts';

export interface Alert {
  readonly ts: number;
  /** null: raised by the agent itself. */
  readonly ruleId: string | null;
  /** `alert` wants attention, `notify` is for information. */
  readonly kind: 'alert' | 'notify';
  readonly text: string;
  readonly metric: string | null;
  readonly value: MetricValue | null;
}

/** What rules and authors tell people about a device: the latest, newest first. */
export class Alerts {
  readonly #context: ActorContext;
  readonly #outbound: Outbound;

  constructor(context: ActorContext, outbound: Outbound) {
    this.#context = context;
    this.#outbound = outbound;
  }

  add(alert: Alert): void {
    this.#context.setCell('alerts', [alert, ...this.all].slice(0, limits.alertsPerAgentMax));
    const { ts, ruleId, kind, text, metric, value } = alert;
    this.#outbound.broadcast({
      type: 'mooring_alert',
      ts,
      ruleId: ruleId ?? '',
      kind,
      text,
      ...(metric === null ? {} : { metric }),
      ...(value === null ? {} : { value }),
    });
    const { address, shard } = this.#context;
    if (kind === 'alert') shard.attention.add({ ...address, reason: 'alert', ts, text });
  }

  get all(): readonly Alert[] {
    // Only `add` writes it.
    return (this.#context.cell('alerts') as readonly Alert[] | undefined) ?? [];
  }
}
