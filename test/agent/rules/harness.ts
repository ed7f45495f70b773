import {
  binary,
  command,
  defineDevice,
  enumeration,
  numeric,
  text,
  type DeviceDefinition,
} from '../../../src/device/index.ts';
import {
  evaluateAlarm,
  evaluateTelemetry,
  parseRule,
  type Evaluation,
  type FiredRule,
  type RuleMemories,
} from '../../../src/agent/rules/index.ts';
import type { Rule } from '../../../src/agent/rules/rule.ts';

export type Values = Record<string, number | boolean | string>;

/** A device with a metric and a command of every kind. */
export const definition: DeviceDefinition = defineDevice({
  model: 'rules-test',
  description: 'For the rules',
  metrics: [
    numeric('temperature', { unit: '°C', min: -40, max: 80, precision: 0.1 }),
    numeric('speed'),
    numeric('target', { min: 5, max: 35, access: 'write' }),
    binary('running'),
    enumeration('mode', { values: ['auto', 'manual'] }),
    text('note', { bytesMax: 100 }),
  ],
  commands: [
    command('vent', { argument: { kind: 'enumeration', values: ['open', 'closed'] } }),
    command('set-target', { argument: { kind: 'numeric', unit: '°C', min: 5, max: 35 } }),
    command('stop'),
  ],
  sample: { temperature: 21.4, speed: 3, running: true, mode: 'auto', note: 'hello' },
});

/** A time like those of real devices; tests count from here. */
export const START_MS = 1_800_000_000_000;

const ALERT = { kind: 'alert', text: 'look' };

/** A checked rule from what matters to a test. */
export function rule(input: Record<string, unknown>): Rule {
  return parseRule({ id: 'r', do: ALERT, ...input }, definition);
}

/** Evaluates as an agent does, and optionally puts the memory through JSON before every step. */
export class Harness {
  readonly rules: readonly Rule[];
  memories: RuleMemories = {};
  readonly fired: FiredRule[] = [];
  nextAlarmMs: number | null = null;
  changed = false;
  /** 'always': a restart before each step. 'changed': restarts from what an agent would have persisted. */
  readonly restart: 'never' | 'always' | 'changed';
  #persisted = '{}';

  constructor(rules: readonly Rule[], restart: 'never' | 'always' | 'changed' = 'never') {
    this.rules = rules;
    this.restart = restart;
  }

  /** Telemetry received `atMs` after START_MS; `tsMs` likewise, null = the device sends none. */
  receive(atMs: number, values: Values, tsMs: number | null = null): FiredRule[] {
    this.#restore();
    const telemetry = { ts: tsMs === null ? null : START_MS + tsMs, values };
    return this.#keep(evaluateTelemetry(this.rules, this.memories, telemetry, START_MS + atMs));
  }

  alarm(atMs: number, upSinceMs?: number): FiredRule[] {
    this.#restore();
    const upSince = upSinceMs === undefined ? undefined : START_MS + upSinceMs;
    return this.#keep(evaluateAlarm(this.rules, this.memories, START_MS + atMs, upSince));
  }

  /** The next alarm, counted from START_MS. */
  alarmAtMs(): number | null {
    return this.nextAlarmMs === null ? null : this.nextAlarmMs - START_MS;
  }

  #restore(): void {
    if (this.restart === 'always') this.#persisted = JSON.stringify(this.memories);
    if (this.restart !== 'never') this.memories = JSON.parse(this.#persisted) as RuleMemories; // as it was written
  }

  #keep(evaluation: Evaluation): FiredRule[] {
    this.changed = evaluation.changed;
    this.nextAlarmMs = evaluation.nextAlarmMs;
    this.fired.push(...evaluation.fired);
    if (evaluation.changed) this.#persisted = JSON.stringify(this.memories);
    return [...evaluation.fired];
  }
}
