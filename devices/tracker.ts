import { battery, command, defineDevice, numeric, position } from '../src/device/index.ts';

/** A battery-powered position tracker, asleep most of the time. */
export default defineDevice({
  model: 'tracker',
  vendor: 'Mooring',
  description: 'Battery-powered position tracker',
  metrics: [
    ...position({ latitude: { key: 'y', cborKey: 0 }, longitude: { key: 'x', cborKey: 1 } }),
    numeric('speed', {
      unit: 'km/h',
      min: 0,
      max: 500,
      precision: 0.1,
      key: 's',
      cborKey: 2,
      description: 'speed over ground',
    }),
    battery({ key: 'b', cborKey: 3 }),
  ],
  commands: [
    command('interval', {
      description: 'sets the time between two positions',
      argument: { kind: 'numeric', unit: 's', min: 1, max: 86_400, precision: 1 },
    }),
  ],
  sample: { y: 53.551086, x: 9.993682, s: 42.5, b: 76 },
});
