/** What devices of the generator measure and can be told: known things with their words, and made-up names. */
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
export const KNOWN_BINARIES: readonly KnownBinary[] = [
  ...['door', 'window', 'lid', 'gate', 'hatch', 'cover'].flatMap((thing) => [
    {
      name: `${thing}-open`,
      on: [
        `[the] ${thing} is open`,
        `[the] ${thing} opens`,
        `[the] ${thing} is opened`,
        `[the] ${thing} stays open`,
        `[the] ${thing} open`,
        `someone opens the ${thing}`,
      ],
      off: [
        `[the] ${thing} is closed`,
        `[the] ${thing} closes`,
        `[the] ${thing} is shut`,
        `[the] ${thing} is not open`,
        `[the] ${thing} gets closed`,
      ],
    },
  ]),
  {
    name: 'running',
    on: [
      '[the] {model} is running',
      'it is running',
      '[the] {model} runs',
      'it runs',
      '[the] {model} starts',
      'running',
      '[the] {model} is on',
      '[the] motor runs',
      '[the] {model} has been running',
    ],
    off: [
      '[the] {model} is not running',
      'it is not running',
      '[the] {model} stops',
      '[the] {model} stops running',
      '[the] {model} stands still',
      '[the] {model} is off',
      '[the] motor stops',
    ],
  },
  {
    name: 'heating',
    on: [
      'it is heating',
      '[the] heating runs',
      '[the] heating has been on',
      'it heats',
      '[the] heating starts',
    ],
    off: ['it is not heating', '[the] heating stops', 'it stops heating'],
  },
  {
    name: 'charging',
    on: ['it is charging', '[the] {model} is charging', 'it charges', 'charging starts'],
    off: ['it is not charging', 'it stops charging', 'charging stops'],
  },
  {
    name: 'motion',
    on: ['there is motion', 'motion is detected', 'someone moves', 'there is movement', 'it sees motion'],
    off: ['there is no motion', 'no motion is detected', 'nobody moves', 'motion stops'],
  },
  {
    name: 'leak',
    on: ['there is a leak', 'a leak is detected', 'it leaks', 'water leaks'],
    off: ['there is no leak', 'no leak is detected', 'the leak is gone'],
  },
  {
    name: 'smoke',
    on: ['there is smoke', 'smoke is detected', 'it smells smoke'],
    off: ['there is no smoke', 'no smoke is detected', 'the smoke is gone'],
  },
  {
    name: 'raining',
    on: ['it is raining', 'it rains', 'it starts raining'],
    off: ['it is not raining', 'it stops raining', 'the rain stops'],
  },
  {
    name: 'occupied',
    on: ['it is occupied', 'somebody is there', 'the room is occupied'],
    off: ['it is not occupied', 'nobody is there', 'the room is empty'],
  },
  {
    name: 'compressor',
    on: [
      '[the] compressor runs',
      '[the] compressor is running',
      '[the] compressor starts',
      '[the] compressor has been running',
    ],
    off: ['[the] compressor stops', '[the] compressor is not running', '[the] compressor stands still'],
  },
  {
    name: 'fan',
    on: ['[the] fan runs', '[the] fan spins', '[the] fan is running'],
    off: ['[the] fan stops', '[the] fan is not running', '[the] fan stands still'],
  },
  {
    name: 'online',
    on: ['[the] {model} is online', 'it comes online'],
    off: ['[the] {model} is offline', 'it goes offline'],
  },
  {
    name: 'locked',
    on: ['it is locked', '[the] {model} gets locked'],
    off: ['it is unlocked', 'it is not locked'],
  },
];

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
export const KNOWN_COMMANDS: readonly KnownCommand[] = [
  {
    name: 'start',
    ways: [
      'start [it|the {model}]',
      '(turn|switch) [the] {model} on',
      '(turn|switch) on the {model}',
      '(turn|switch) it on',
      'start it up',
      'start the {model} up',
      'fire up the {model}',
      'get the {model} going',
      'power up the {model}',
    ],
  },
  {
    name: 'stop',
    ways: [
      'stop [it|the {model}]',
      '(turn|switch) [the] {model} off',
      '(turn|switch) off the {model}',
      '(turn|switch) it off',
      'shut (it|the {model}) down',
      'shut down the {model}',
      'halt [it|the {model}]',
      'kill (it|the {model})',
      'shut (it|the {model}) off',
      'bring the {model} to a halt',
      'power down the {model}',
    ],
  },
  {
    name: 'pause',
    ways: [
      'pause [it|the {model}]',
      'put (it|the {model}) on hold',
      'suspend (it|the {model})',
      'take a break',
    ],
  },
  { name: 'resume', ways: ['resume [it|the {model}]', 'continue', 'let (it|the {model}) go on', 'carry on'] },
  { name: 'reboot', ways: ['reboot [it|the {model}]', 'restart (it|the {model})'] },
  { name: 'restart', ways: ['restart [it|the {model}]', 'reboot (it|the {model})'] },
  { name: 'reset', ways: ['reset [it|the {model}]', 'do a reset'] },
  { name: 'refill', ways: ['refill [it|the {model}]', 'fill (it|the {model}) up', 'fill up the {model}'] },
  { name: 'drain', ways: ['drain [it|the {model}]', 'empty (it|the {model})', 'let the water out'] },
  { name: 'defrost', ways: ['defrost [it|the {model}]', 'start defrosting', 'start a defrost'] },
  { name: 'flush', ways: ['flush [it|the {model}]', 'do a flush', 'start flushing'] },
  { name: 'lock', ways: ['lock [it|the {model}|the door]', 'get it locked'] },
  { name: 'unlock', ways: ['unlock [it|the {model}|the door]', 'get it unlocked'] },
  { name: 'open', ways: ['open [it|the {model}]', 'open (it|the {model}) up', 'open up'] },
  { name: 'close', ways: ['close [it|the {model}]', 'shut (it|the {model})', 'close up'] },
  { name: 'feed', ways: ['feed [it|them|the animals]', 'give them food'] },
  { name: 'locate', ways: ['locate [it|the {model}]', 'find out where it is'] },
  { name: 'calibrate', ways: ['calibrate [it|the {model}]', 'start a calibration'] },
];

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
