import { DeviceChatAgent, type TelemetryEvent } from '../src/agent/index.ts';

/** Vibration at which a running pump tears itself apart, ISO 10816 class I "not permissible" and beyond. */
const DANGER_MM_S = 40;
/** A stopped pump shakes for a moment: the stop is not repeated while it spins down. */
const SPIN_DOWN_MS = 10_000;

/**
 * Behaviour beyond data: stops a pump that shakes dangerously, at once and without anybody's rule, and
 * says why.
 */
export class PumpAgent extends DeviceChatAgent {
  #stoppedAtMs = -Infinity;

  override onTelemetry({ values, receivedAtMs }: TelemetryEvent): void {
    const { vibration } = values;
    if (typeof vibration !== 'number' || vibration < DANGER_MM_S) return;
    if (this.state?.['running'] === false || receivedAtMs - this.#stoppedAtMs < SPIN_DOWN_MS) return;
    this.#stoppedAtMs = receivedAtMs;
    this.sendCommand('stop');
    this.alert(`stopped: vibration was ${vibration} mm/s, ${DANGER_MM_S} is dangerous`);
  }
}
