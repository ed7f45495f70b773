import { command, defineDevice, numeric } from '../src/device/index.ts';

/** A single-phase meter with a relay. */
export default defineDevice({
  model: 'energy-meter',
  vendor: 'Mooring',
  description: 'Single-phase energy meter with a relay for the load',
  metrics: [
    numeric('power', {
      unit: 'W',
      min: 0,
      max: 100_000,
      precision: 0.1,
      key: 'p',
      cborKey: 0,
      description: 'active power',
    }),
    numeric('energy', {
      unit: 'kWh',
      min: 0,
      max: 1e9,
      precision: 0.001,
      key: 'e',
      cborKey: 1,
      description: 'energy since installation',
    }),
    numeric('voltage', {
      unit: 'V',
      min: 0,
      max: 500,
      precision: 0.1,
      key: 'u',
      cborKey: 2,
      description: 'mains voltage, RMS',
    }),
    numeric('current', {
      unit: 'A',
      min: 0,
      max: 200,
      precision: 0.001,
      key: 'i',
      cborKey: 3,
      description: 'load current, RMS',
    }),
  ],
  commands: [
    command('relay', {
      description: 'connects or disconnects the load',
      argument: { kind: 'enumeration', values: ['on', 'off'] },
    }),
  ],
  sample: { p: 1250.5, e: 8123.456, u: 230.4, i: 5.427 },
});
