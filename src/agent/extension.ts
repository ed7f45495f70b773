/** What a kind of agent is to the runtime, beside what every agent is. */
import type { InboundRecord } from '../actor/index.ts';
import type { BridgeError } from '../base/errors.ts';
import type { DeviceTool } from './device-tools/device-tool.ts';
import type { Codec, Frame } from '../wire/index.ts';

/** What a kind of agent (a device's, the fleet's) adds to every agent. */
export interface Extension {
  /** What a connection is sent in that chose no codec; undefined: JSON. */
  readonly codec?: Codec;
  /** Frames a connection gets after the identity and the state. */
  firstFrames(): Frame[];
  /** Answers a request of the API, or `LATER`. @throws BridgeError */
  request(request: number, name: string, body: unknown): unknown;
  /** @throws BridgeError when this cannot be the agent's state */
  checkState(state: unknown): void;
  /** A record of a device or its MQTT connection. */
  device(record: InboundRecord): void | Promise<void>;
  /** A device's record could not be handled. */
  failed(record: InboundRecord, error: BridgeError): void;
  /** What runs a job of its own, by the name of the callback; before any method of that name. */
  job?(name: string): ((payload: unknown) => unknown) | undefined;
  /** A tool of the bridge's own for this agent; undefined: none. @param by who asks, as the audit log names it */
  tool?(name: string, by: string): DeviceTool | undefined;
  wake(): void;
  alarm(nowMs: number): void;
  nextAlarmMs(): number | null;
  isBusy(): boolean;
  /** The agent is given up: lets go who waits for it. */
  abandoned?(): void;
  /** The agent is being deleted: the last words. @param by who wants it */
  destroyed(by: string): void;
  stop(): void;
}
