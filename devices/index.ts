/** The models a bridge ships with. A new one: its file beside these, and its line in this list. */
import type { DeviceAgentClass } from '../src/agent/index.ts';
import type { DeviceDefinition } from '../src/device/index.ts';
import energyMeter from './energy-meter.ts';
import greenhouse from './greenhouse.ts';
import { PumpAgent } from './pump-agent.ts';
import pump from './pump.ts';
import thermostat from './thermostat.ts';
import tracker from './tracker.ts';

export const definitions: readonly DeviceDefinition[] = [greenhouse, thermostat, pump, energyMeter, tracker];

/** Behaviour beyond data, by the name a definition gives in `agent`. */
export const agents: Readonly<Record<string, DeviceAgentClass>> = { 'pump-agent': PumpAgent };
