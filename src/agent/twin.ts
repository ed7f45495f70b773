/** The device's twin: what it reported, what is wanted of it, and the difference, with a version. */
import type { ActorContext } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { checkMetricValue, downlinkTopics, type DeviceDefinition } from '../device/index.ts';
import { encodePayload, type Codec } from '../wire/index.ts';
import { difference, isJsonObject, mergePatch, type JsonObject } from './merge-patch.ts';
import type { Outbound } from './outbound.ts';

interface TwinCell {
  readonly reported: JsonObject;
  readonly desired: JsonObject;
  /** Counts changes of `desired`, from 1. */
  readonly version: number;
}

export interface Desired {
  readonly version: number;
  readonly delta: JsonObject;
}

const EMPTY: TwinCell = { reported: {}, desired: {}, version: 0 };

export class Twin {
  readonly #context: ActorContext;
  readonly #outbound: Outbound;
  readonly #definition: DeviceDefinition;

  constructor(context: ActorContext, outbound: Outbound, definition: DeviceDefinition) {
    this.#context = context;
    this.#outbound = outbound;
    this.#definition = definition;
  }

  get reported(): JsonObject {
    return this.#cell.reported;
  }

  get desired(): JsonObject {
    return this.#cell.desired;
  }

  get version(): number {
    return this.#cell.version;
  }

  get delta(): JsonObject {
    return difference(this.#cell.desired, this.#cell.reported);
  }

  /** Merges what the device reports (RFC 7396). @throws BridgeError BRG_PAYLOAD_SHAPE, BRG_STATE_TOO_LARGE */
  report(patch: unknown): void {
    this.#set({ ...this.#cell, reported: merged(this.#cell.reported, patch, 'reported') });
  }

  /**
   * Merges what is wanted (RFC 7396); what names a metric must be a value it can be set to, any other
   * name is a setting of the device's own. and tells the device when it is there.
   * @throws BridgeError BRG_PAYLOAD_SHAPE, BRG_PAYLOAD_RANGE, BRG_STATE_TOO_LARGE; nothing has changed then
   */
  want(patch: unknown, codec: Codec): Desired {
    checkDesired(this.#definition, patch);
    const cell = this.#cell;
    this.#set({ ...cell, desired: merged(cell.desired, patch, 'desired'), version: cell.version + 1 });
    if (this.#context.presence === 'online') this.#publish(codec, 0);
    return { version: this.version, delta: this.delta };
  }

  /** Sends `{version, delta}` to a device that has just subscribed. */
  sendTo(connection: number, codec: Codec): void {
    if (this.version > 0) this.#publish(codec, connection);
  }

  get #cell(): TwinCell {
    // Only #set writes it.
    return (this.#context.cell('twin') as TwinCell | undefined) ?? EMPTY;
  }

  #set(cell: TwinCell): void {
    this.#context.setCell('twin', cell);
    this.#outbound.broadcast({
      type: 'mooring_twin',
      reported: cell.reported,
      desired: cell.desired,
      delta: difference(cell.desired, cell.reported),
      version: cell.version,
    });
  }

  #publish(codec: Codec, connection: number): void {
    const payload = encodePayload({ version: this.version, delta: this.delta }, codec);
    const { desired } = downlinkTopics(this.#context.address);
    this.#context.publish({ topic: desired, payload, qos: 1, retain: false, connection });
  }
}

function checkDesired(definition: DeviceDefinition, patch: unknown): void {
  if (!isJsonObject(patch)) return; // `merged` refuses it
  for (const [name, value] of Object.entries(patch)) {
    const metric = definition.metrics.find((known) => known.name === name);
    if (metric === undefined || value === null) continue;
    if (metric.access === 'read') {
      throw new BridgeError('BRG_PAYLOAD_SHAPE', `${name} is measured by the device and cannot be desired`);
    }
    checkMetricValue(definition, name, value);
  }
}

function merged(target: JsonObject, patch: unknown, what: string): JsonObject {
  const next = isJsonObject(patch) ? mergePatch(target, patch) : undefined;
  if (!isJsonObject(next)) {
    throw new BridgeError('BRG_PAYLOAD_SHAPE', `${what}: a merge patch is an object (RFC 7396)`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(next));
  if (bytes > limits.twinBytesMax) {
    const message = `${what} would be ${bytes} bytes, the limit is ${limits.twinBytesMax}`;
    throw new BridgeError('BRG_STATE_TOO_LARGE', message);
  }
  return next;
}
