/** Turns a telemetry payload into what is new in it: decoded, checked, without repetitions, timed. */
import type { ActorContext } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { decodeTelemetry, type DeviceDefinition, type MetricValue, type Telemetry } from '../device/index.ts';
import type { Codec } from '../wire/index.ts';
import { noteSequence, type SequenceMemory } from './sequence-memory.ts';

/** Telemetry as hooks, rules and viewers see it. */
export interface TelemetryEvent {
  /** When it was measured, ms since epoch: the device's time if plausible, else the receive time. */
  readonly ts: number;
  /** ms since epoch. */
  readonly receivedAtMs: number;
  readonly values: Readonly<Record<string, MetricValue>>;
  /** The name or number of this run of the device, null when it gives none. */
  readonly boot: string | number | null;
  /** The device's count of its messages in this run, null when it gives none. */
  readonly seq: number | null;
}

/** Maps of telemetry since the agent exists. */
interface IngestCell {
  accepted: number;
  applied: number;
  duplicates: number;
  rejected: number;
  boots: SequenceMemory;
  codec: Codec | null;
}

/** A clock this far from the bridge's is not set: 1970, or a typo. AWS IoT takes one day as well. */
const CLOCK_AHEAD_MAX_MS = 24 * 3_600_000;

export class TelemetryIngest {
  readonly #context: ActorContext;
  readonly #definition: DeviceDefinition;

  constructor(context: ActorContext, definition: DeviceDefinition) {
    this.#context = context;
    this.#definition = definition;
  }

  get counts(): { accepted: number; applied: number; duplicates: number; rejected: number } {
    const { accepted, applied, duplicates, rejected } = this.#cell;
    return { accepted, applied, duplicates, rejected };
  }

  /** Codec of the device's last payload. */
  get codec(): Codec | null {
    return this.#cell.codec;
  }

  /** The device said something else than telemetry, in this codec. */
  spoke(codec: Codec): void {
    const cell = this.#cell;
    if (cell.codec === codec) return;
    cell.codec = codec;
    this.#context.setCell('ingest', cell);
  }

  /** New events in order, and why the rest was refused. Never throws. */
  take(payload: Uint8Array, receivedAtMs: number): { events: TelemetryEvent[]; failures: BridgeError[] } {
    const cell = this.#cell;
    const outcome = decodeTelemetry(this.#definition, payload);
    const events: TelemetryEvent[] = [];
    const failures: BridgeError[] = [];
    if (outcome.kind === 'rejected') {
      failures.push(new BridgeError(outcome.code, outcome.reason));
    } else {
      cell.codec = outcome.codec;
      for (const item of outcome.items) {
        cell.accepted++;
        this.#context.counters.unknownKeys += item.unknownKeys;
        if (isRepeated(cell.boots, item)) {
          cell.duplicates++;
          this.#context.counters.telemetryDuplicates++;
          continue;
        }
        cell.applied++;
        this.#context.counters.telemetryApplied++;
        events.push(toEvent(item, receivedAtMs));
      }
      for (const { code, reason } of outcome.rejections) failures.push(new BridgeError(code, reason));
    }
    cell.rejected += failures.length;
    // The cell is changed in place: it is this class's alone, and a turn's failure does not undo receipt.
    this.#context.setCell('ingest', cell);
    return { events, failures };
  }

  get #cell(): IngestCell {
    // Only `take` writes it.
    const stored = this.#context.cell('ingest') as IngestCell | undefined;
    return stored ?? { accepted: 0, applied: 0, duplicates: 0, rejected: 0, boots: [], codec: null };
  }
}

function isRepeated(boots: SequenceMemory, item: Telemetry): boolean {
  // Without a boot the numbers start again with every restart of the device and mean nothing.
  if (item.seq === null || item.boot === null) return false;
  return !noteSequence(boots, item.boot, item.seq);
}

function toEvent(item: Telemetry, receivedAtMs: number): TelemetryEvent {
  const { ts, values, boot, seq } = item;
  const isPlausible = ts !== null && ts >= limits.deviceClockMinMs && ts <= receivedAtMs + CLOCK_AHEAD_MAX_MS;
  return { ts: isPlausible ? ts : receivedAtMs, receivedAtMs, values, boot, seq };
}
