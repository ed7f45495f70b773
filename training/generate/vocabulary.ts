/** What devices of the generator measure and can be told: known things with their words, and made-up names. */
import { list } from './phrases.ts';
import { isHeldOut, type Random } from './random.ts';

export interface Quality {
  /** "hotter": more of it. */
  readonly more: string;
  readonly less: string;
  /** What is hotter. */
  readonly subject: string;
}

export interface KnownMetric {
  readonly name: string;
  readonly unit?: string;
  readonly range: readonly [number, number];
  readonly quality?: Quality;
  /** Other words for the name. */
  readonly also?: string;
}

const TEMPERATURE: Quality = {
  more: '(hotter|warmer)',
  less: '(colder|cooler)',
  subject: '(it|the room|the air|the {model}|it inside|the inside)',
};
const place =
  '(inside|outside|air|water|room|soil|oil|motor|supply|return|floor|case|surface|core|cellar|attic)';

export const KNOWN_METRICS: readonly KnownMetric[] = [
  {
    name: 'temperature',
    unit: '°C',
    range: [-30, 80],
    quality: TEMPERATURE,
    also: '(temp|temperature|temperatures)',
  },
  { name: 'temp', unit: '°C', range: [-30, 80], quality: TEMPERATURE, also: '(temp|temperature)' },
  { name: `${place}-temperature`, unit: '°C', range: [-20, 90] },
  {
    name: 'humidity',
    unit: '%',
    range: [5, 99],
    quality: { more: '(damper|more humid|wetter)', less: '(drier|less humid)', subject: '(it|the air)' },
    also: '(humidity|humidity|air humidity)',
  },
  { name: 'battery', unit: '%', range: [1, 95], also: '(battery|battery charge|battery level)' },
  { name: 'pressure', unit: 'bar', range: [1, 15] },
  { name: 'pressure', unit: 'hPa', range: [950, 1050] },
  { name: 'vibration', unit: 'mm/s', range: [1, 45], also: '(vibration|vibrations|vibration level)' },
  { name: 'rpm', unit: 'rpm', range: [50, 5900], also: '(rpm|revs)' },
  { name: 'power', unit: 'W', range: [5, 9000], also: '(power|consumption|power draw|load)' },
  { name: 'power', unit: 'kW', range: [1, 40], also: '(power|consumption)' },
  { name: 'voltage', unit: 'V', range: [10, 480], also: '(voltage|mains voltage)' },
  { name: 'current', unit: 'A', range: [1, 90], also: '(current|amps)' },
  { name: 'energy', unit: 'kWh', range: [10, 20000] },
  {
    name: 'speed',
    unit: 'km/h',
    range: [0, 180],
    quality: {
      more: 'faster',
      less: 'slower',
      subject: '(it|it goes|it drives|it moves|the {model}|someone drives|somebody goes|the car goes)',
    },
  },
  {
    name: 'level',
    unit: '%',
    range: [1, 99],
    quality: { more: 'fuller', less: 'emptier', subject: '(it|the tank|the {model})' },
    also: '(level|water level|fill level)',
  },
  { name: 'flow', unit: 'l/min', range: [0, 90], also: '(flow|flow rate)' },
  {
    name: 'weight',
    unit: 'kg',
    range: [1, 300],
    quality: { more: 'heavier', less: 'lighter', subject: '(it|the {model})' },
  },
  { name: 'co2', unit: 'ppm', range: [400, 3000] },
  {
    name: 'noise',
    unit: 'dB',
    range: [20, 110],
    quality: { more: 'louder', less: 'quieter', subject: '(it|the {model})' },
    also: '(noise|noise level)',
  },
  {
    name: 'light',
    unit: 'lux',
    range: [1, 90000],
    quality: { more: 'brighter', less: 'darker', subject: '(it|the room)' },
  },
  { name: 'ph', range: [3, 11] },
  { name: 'soil-moisture', unit: '%', range: [2, 98], also: '(soil moisture|moisture)' },
  { name: 'wind', unit: 'm/s', range: [1, 40], also: '(wind|wind speed)' },
  { name: 'distance', unit: 'cm', range: [2, 400] },
  { name: 'target', unit: '°C', range: [5, 35] },
  { name: 'setpoint', unit: '°C', range: [5, 60] },
  { name: 'latitude', unit: '°', range: [-60, 70] },
  { name: 'longitude', unit: '°', range: [-120, 120] },
  { name: 'frequency', unit: 'Hz', range: [45, 65] },
  { name: 'count', range: [1, 500] },
];

export interface KnownBinary {
  readonly name: string;
  readonly on: readonly string[];
  readonly off: readonly string[];
}

/** Clauses that say that it is so, and that it is not; the usual ones ("is on") come from the phrases. */
export const KNOWN_BINARIES: readonly KnownBinary[] =
  'door-open window-open lid-open gate-open hatch-open cover-open running heating charging motion leak smoke raining occupied compressor fan online locked'
    .split(' ')
    .map((name) => ({ name, on: list(`BINARY ${name} on`), off: list(`BINARY ${name} off`) }));

export const KNOWN_ENUMERATIONS: readonly (readonly [string, readonly string[]])[] = [
  ['state', ['idle', 'running', 'fault']],
  ['state', ['ready', 'busy', 'error', 'done']],
  ['mode', ['eco', 'comfort', 'boost']],
  ['mode', ['auto', 'manual']],
  ['valve-state', ['open', 'closed', 'moving']],
  ['door-state', ['open', 'closed', 'locked']],
  ['phase', ['wash', 'rinse', 'spin', 'finished']],
  ['status', ['ok', 'warning', 'failure']],
  ['direction', ['forward', 'backward', 'stopped']],
  ['weather', ['sunny', 'cloudy', 'rainy']],
  ['quality', ['good', 'fair', 'poor']],
];

export interface KnownCommand {
  readonly name: string;
  readonly ways: readonly string[];
}

/** Commands without an argument, with what people say instead of their name. */
export const KNOWN_COMMANDS: readonly KnownCommand[] =
  'start stop pause resume reboot restart reset refill drain defrost flush lock unlock open close feed locate calibrate'
    .split(' ')
    .map((name) => ({ name, ways: list(`COMMAND ${name}`) }));

export const OPENABLE = [
  'vent',
  'valve',
  'window',
  'gate',
  'blinds',
  'hatch',
  'damper',
  'shutter',
  'lid',
  'roof',
  'flap',
  'curtain',
];
export const SWITCHED = [
  'relay',
  'fan',
  'light',
  'heater',
  'lamp',
  'alarm',
  'siren',
  'cooler',
  'outlet',
  'heating',
  'charger',
  'sprinkler',
  'buzzer',
  'led',
  'boiler',
  'plug',
  'socket',
  'compressor',
];
export const SETTABLE: readonly (readonly [string, string | undefined, readonly [number, number]])[] = [
  ['set-target', '°C', [5, 35]],
  ['setpoint', '°C', [2, 60]],
  ['target', '°C', [5, 30]],
  ['interval', 's', [1, 3600]],
  ['limit', 'A', [6, 32]],
  ['brightness', '%', [1, 100]],
  ['dimmer', '%', [0, 100]],
  ['fan-speed', '%', [0, 100]],
  ['set-speed', 'rpm', [100, 5000]],
  ['volume', undefined, [0, 100]],
  ['flap', '%', [0, 100]],
  ['position', '%', [0, 100]],
  ['duration', 'min', [1, 120]],
  ['max-power', 'W', [100, 5000]],
  ['set-level', '%', [5, 95]],
];
export const GRADES: readonly (readonly [string, readonly string[]])[] = [
  ['mode', ['eco', 'comfort', 'boost']],
  ['mode', ['auto', 'manual', 'off']],
  ['fan', ['low', 'medium', 'high']],
  ['colour', ['red', 'green', 'blue']],
  ['profile', ['day', 'night', 'away']],
  ['speed', ['slow', 'normal', 'fast']],
  ['program', ['cotton', 'wool', 'quick']],
];

const NOUNS =
  'drum torque tray feed rate nozzle strain bed axle chain belt rotor stator bearing coil tank silo bin hopper mixer brine salt sugar yeast mash malt steam boiler filter membrane ozone oxygen nitrate turbidity conductivity salinity depth height angle tilt yaw pitch heading altitude rain dew frost snow ice leaf stem root canopy nest cage kennel stall trough paddock barn crate pallet dock ramp lift cabin shaft rope brake clutch gear piston valve hose pipe duct grille panel array string inverter cell module pack bus rail feeder breaker fuse meter probe sensor beacon antenna signal link packet queue buffer disk cache core fan pump motor engine turbine blade tower mast anchor hull keel rudder bilge ballast deck galley oven grill fryer kettle toaster cup plate spindle tool chuck saw press roller paper ink toner glue paint spray foam dust pollen smell gas methane radon lamp mirror lens shutter blind awning curtain carpet bath sink shower toilet garden lawn pond pool spa sauna hive bee brood honey egg chick cow milk churn cheese cellar bottle cork label'.split(
    ' ',
  );
const SUFFIXES = [
  'rate',
  'level',
  'index',
  'load',
  'count',
  'pressure',
  'flow',
  'position',
  'size',
  'score',
  'gap',
  'offset',
  'delay',
  'quality',
  'stress',
];
const SYLLABLES =
  'ba be bi bo bu da de di do du fa fe fi fo ga ge gi go ka ke ki ko la le li lo lu ma me mi mo mu na ne ni no pa pe pi po ra re ri ro sa se si so ta te ti to va ve vi vo wa za ze zi zo xan quor blim strav trel glin drok plim kron vesh'.split(
    ' ',
  );

/** A name nobody planned for, of the part of the words that training sees or the part it never does. */
export function madeUpName(random: Random, isUnseen: boolean): string {
  const nouns = NOUNS.filter((word) => isHeldOut(word, 0.25) === isUnseen);
  const coined = (): string => {
    for (;;) {
      const word =
        Array.from({ length: random.int(2, 3) }, () => random.pick(SYLLABLES)).join('') +
        random.pick(['', '', 'n', 'x', 'r', 's', 'l']);
      if (isHeldOut(word, 0.25) === isUnseen) return word;
    }
  };
  const kind = random.next();
  if (kind < 0.35) return random.pick(nouns);
  if (kind < 0.6) return `${random.pick(nouns)}-${random.pick(nouns)}`;
  if (kind < 0.75) return `${random.pick(nouns)}-${random.pick(SUFFIXES)}`;
  if (kind < 0.92) return coined();
  return `${coined()}-${random.pick(SUFFIXES)}`;
}
