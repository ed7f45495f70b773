/**
 * What the API and MQTT clients meet at an agent that is no device: it can be described, called and forgotten;
 * it has no telemetry, no twin, no commands and no rules.
 */
import { KIND, type InboundRecord } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';
import { decodePayload, type Codec, type Frame } from '../wire/index.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Extension } from './extension.ts';
import { answerDeviceCall } from './calls/device-call.ts';
import { agentFacts, forgetAgent } from './describe-agent.ts';

/** Questions whose answer is a list: the page of an agent asks them all. */
const EMPTY_ANSWERS: Readonly<Record<string, object>> = {
  history: { series: [] },
  count: { accepted: 0, applied: 0, rejected: 0, duplicates: 0 },
  rejected: { items: [] },
  commands: { items: [] },
  alerts: { items: [] },
  rules: { rules: [] },
};

export class PlainDesk implements Extension {
  readonly #parts: AgentParts;

  constructor(parts: AgentParts) {
    this.#parts = parts;
  }

  firstFrames(): Frame[] {
    return [];
  }

  request(_request: number, name: string, body: unknown): unknown {
    const { context, state } = this.#parts;
    switch (name) {
      case 'describe': {
        const { receivedAtMs } = body as { receivedAtMs?: number }; // AgentBehaviour adds it
        const twin = { reported: {}, desired: {}, delta: {}, version: 0, codec: null };
        const counts = { rules: 0, alerts: 0, commandsPending: 0, canChat: this.#parts.canChat };
        return { ...agentFacts(context, state.current, receivedAtMs), ...twin, ...counts };
      }
      case 'forget':
        return forgetAgent(this.#parts, body);
      default:
        if (Object.hasOwn(EMPTY_ANSWERS, name)) return EMPTY_ANSWERS[name];
        throw new BridgeError('BRG_NOT_FOUND', `${context.address.model} is no device: it has no ${name}`);
    }
  }

  /** Only calls come from MQTT (device/registry.ts). */
  device(record: InboundRecord): void | Promise<void> {
    if (record.kind !== KIND.call) return undefined;
    const { args, codec } = decodedArguments(record.payload);
    return answerDeviceCall(this.#parts.calls, this.#parts.context, record, args, codec);
  }

  checkState(): void {}
  failed(): void {}
  wake(): void {}
  alarm(): void {}
  destroyed(): void {}
  stop(): void {}

  nextAlarmMs(): null {
    return null;
  }

  isBusy(): boolean {
    return false;
  }
}

/** An answer goes out in the codec of its call. What cannot be decoded is no array of arguments. */
function decodedArguments(payload: Buffer): { args: unknown; codec: Codec } {
  if (payload.length === 0) return { args: [], codec: 'json' };
  try {
    const { value, codec } = decodePayload(payload);
    return { args: value, codec };
  } catch {
    return { args: undefined, codec: 'json' };
  }
}
