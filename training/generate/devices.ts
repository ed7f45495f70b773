/** Devices of the generator: those that Mooring ships, and random ones of known and of made-up things. */
import { definitions } from '../../devices/index.ts';
import type { Command, Metric } from '../../src/device/index.ts';
import { expand, type Random } from './random.ts';
import * as vocabulary from './vocabulary.ts';

export interface MadeDevice {
  readonly model: string;
  readonly metrics: readonly Metric[];
  readonly commands: readonly Command[];
}

const MODELS =
  'pump greenhouse thermostat fridge tank heater fan meter tracker station sensor controller boiler freezer robot mower charger gate pool aquarium cellar oven dryer washer lamp camera truck trailer boat silo mixer press lathe drone feeder valve'.split(
    ' ',
  );

export function makeDevice(random: Random, isUnseen: boolean): MadeDevice {
  if (!isUnseen && random.chance(0.25)) return shipped(random);
  const taken = new Set<string>();
  const metrics: Metric[] = [];
  const commands: Command[] = [];
  const isFree = (name: string): boolean => {
    const isNew = !taken.has(name) && name.split('-').every((word) => !taken.has(`:${word}`));
    if (isNew) for (const part of [name, ...name.split('-').map((word) => `:${word}`)]) taken.add(part);
    return isNew;
  };
  const knownShare = isUnseen ? 0 : 0.6;
  for (let count = random.int(1, 6); metrics.length < count;) {
    const metric = random.chance(knownShare) ? knownMetric(random) : madeMetric(random, isUnseen);
    // Two temperatures of one device are wanted, two of one name are not.
    if (metrics.some(({ name }) => name === metric.name)) continue;
    if (random.chance(0.15) || isFree(metric.name)) metrics.push(metric);
  }
  for (let count = random.int(0, 4), tries = 0; commands.length < count && tries < 40; tries++) {
    const command = random.chance(knownShare) ? knownCommand(random) : madeCommand(random, isUnseen);
    if (!commands.some(({ name }) => name === command.name) && (random.chance(0.1) || isFree(command.name)))
      commands.push(command);
  }
  const model =
    isUnseen || random.chance(0.3) ? vocabulary.madeUpName(random, isUnseen) : random.pick(MODELS);
  return { model, metrics, commands };
}

/** Its metrics and commands in their own order, as they are asked for. */
function shipped(random: Random): MadeDevice {
  const { model, metrics, commands } = random.pick(definitions);
  return { model, metrics, commands };
}

function knownMetric(random: Random): Metric {
  const kind = random.next();
  if (kind < 0.7) {
    const { name, unit, range } = random.pick(vocabulary.KNOWN_METRICS);
    return numeric(expand(name, {}, random), unit, range);
  }
  if (kind < 0.88)
    return { name: random.pick(vocabulary.KNOWN_BINARIES).name, kind: 'binary', access: 'read' };
  const [name, values] = random.pick(vocabulary.KNOWN_ENUMERATIONS);
  return { name, kind: 'enumeration', values, access: 'read' };
}

const UNITS = [
  undefined,
  undefined,
  '°C',
  '%',
  'bar',
  'mm',
  'kg',
  'V',
  'A',
  'W',
  'l/min',
  'ppm',
  'mm/s',
  'Hz',
  'dB',
  'kW',
  'm',
  'rpm',
  'hPa',
  'lux',
  'km/h',
];

function madeMetric(random: Random, isUnseen: boolean): Metric {
  const name = vocabulary.madeUpName(random, isUnseen);
  const kind = random.next();
  if (kind < 0.72)
    return numeric(
      name,
      random.pick(UNITS),
      random.pick([
        [0, 100],
        [-50, 50],
        [0, 10],
        [0, 5000],
        [1, 30],
      ] as const),
    );
  if (kind < 0.87) return { name, kind: 'binary', access: 'read' };
  return { name, kind: 'enumeration', values: madeValues(random, isUnseen), access: 'read' };
}

function numeric(name: string, unit: string | undefined, [min, max]: readonly [number, number]): Metric {
  return { name, kind: 'numeric', access: 'read', min, max, ...(unit !== undefined && { unit }) };
}

function madeValues(random: Random, isUnseen: boolean): readonly string[] {
  const values = new Set<string>();
  while (values.size < 3) values.add(vocabulary.madeUpName(random, isUnseen));
  return [...values];
}

function knownCommand(random: Random): Command {
  const kind = random.next();
  if (kind < 0.35) return { name: random.pick(vocabulary.KNOWN_COMMANDS).name, argument: null };
  if (kind < 0.5)
    return enumerated(
      random.pick(vocabulary.OPENABLE),
      random.pick([
        ['open', 'closed'],
        ['open', 'closed'],
        ['closed', 'open'],
        ['open', 'close'],
        ['open', 'shut'],
      ]),
    );
  if (kind < 0.65)
    return enumerated(
      random.pick(vocabulary.SWITCHED),
      random.pick([
        ['on', 'off'],
        ['on', 'off'],
        ['off', 'on'],
        ['on', 'off', 'auto'],
      ]),
    );
  if (kind < 0.72)
    return {
      name: random.pick([...vocabulary.SWITCHED, 'eco', 'boost', 'silent', 'child-lock']),
      argument: { kind: 'binary' },
    };
  if (kind < 0.8) return enumerated(...random.pick(vocabulary.GRADES));
  const [name, unit, [min, max]] = random.pick(vocabulary.SETTABLE);
  return { name, argument: { kind: 'numeric', min, max, ...(unit !== undefined && { unit }) } };
}

function enumerated(name: string, values: readonly string[]): Command {
  return { name, argument: { kind: 'enumeration', values } };
}

function madeCommand(random: Random, isUnseen: boolean): Command {
  const name = vocabulary.madeUpName(random, isUnseen);
  const kind = random.next();
  if (kind < 0.35) return { name, argument: null };
  if (kind < 0.5)
    return enumerated(
      name,
      random.pick([
        ['open', 'closed'],
        ['on', 'off'],
        ['off', 'on'],
      ]),
    );
  if (kind < 0.62) return enumerated(name, madeValues(random, isUnseen));
  if (kind < 0.72) return { name, argument: { kind: 'binary' } };
  if (kind < 0.76) return { name, argument: { kind: 'text', bytesMax: 100 } };
  const unit = random.pick(UNITS);
  const [min, max] = random.pick([
    [0, 100],
    [0, 10],
    [5, 35],
    [0, 3000],
  ] as const);
  return { name, argument: { kind: 'numeric', min, max, ...(unit !== undefined && { unit }) } };
}
