import { battery, command, defineDevice, numeric } from '../src/device/index.ts';

/** A climate sensor with a roof vent. */
export default defineDevice({
  model: 'greenhouse',
  vendor: 'Mooring',
  description: 'Air temperature and humidity of a greenhouse, with a roof vent',
  metrics: [
    numeric('temperature', {
      unit: '°C',
      min: -40,
      max: 80,
      precision: 0.1,
      key: 't',
      cborKey: 0,
      description: 'air temperature',
    }),
    numeric('humidity', {
      unit: '%',
      min: 0,
      max: 100,
      precision: 0.1,
      key: 'h',
      cborKey: 1,
      description: 'relative humidity',
    }),
    battery({ key: 'b', cborKey: 2 }),
  ],
  commands: [
    command('vent', {
      description: 'opens or closes the roof vent',
      argument: { kind: 'enumeration', values: ['open', 'closed'] },
    }),
  ],
  rules: [
    {
      id: 'too-hot',
      when: { metric: 'temperature', op: '>', value: 35 },
      forMs: 10_000,
      hysteresis: 2,
      do: { kind: 'command', name: 'vent', argument: 'open' },
    },
  ],
  sample: { t: 21.5, h: 55.2, b: 88 },
});
