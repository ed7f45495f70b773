import { binary, command, defineDevice, numeric } from '../src/device/index.ts';

/** A room thermostat. Its letters are t, g and f; h stays free, because sensors beside it send humidity as h. */
export default defineDevice({
  model: 'thermostat',
  vendor: 'Mooring',
  description: 'Room thermostat with a target temperature and a heating relay',
  metrics: [
    numeric('temperature', {
      unit: '°C',
      min: -40,
      max: 80,
      precision: 0.1,
      key: 't',
      cborKey: 0,
      description: 'room temperature',
    }),
    numeric('target', {
      unit: '°C',
      min: 5,
      max: 35,
      precision: 0.1,
      access: 'readwrite',
      key: 'g',
      cborKey: 1,
      description: 'temperature to reach',
    }),
    binary('heating', { key: 'f', cborKey: 2, description: 'whether the relay is closed' }),
  ],
  commands: [
    command('set-target', {
      description: 'sets the temperature to reach',
      argument: { kind: 'numeric', unit: '°C', min: 5, max: 35, precision: 0.1 },
      effect: { metric: 'target', value: 'argument' },
    }),
  ],
  sample: { t: 19.8, g: 21, f: true },
});
