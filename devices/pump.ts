import { binary, command, defineDevice, numeric } from '../src/device/index.ts';

/** A pump that can be started and stopped; what it does beyond data is in its agent, `pump-agent`. */
export default defineDevice({
  model: 'pump',
  vendor: 'Mooring',
  description: 'Water pump with vibration, pressure and speed sensors',
  agent: 'pump-agent',
  metrics: [
    numeric('vibration', {
      unit: 'mm/s',
      min: 0,
      max: 50,
      precision: 0.01,
      key: 'v',
      cborKey: 0,
      description: 'vibration velocity, RMS',
    }),
    numeric('pressure', {
      unit: 'bar',
      min: 0,
      max: 16,
      precision: 0.01,
      key: 'p',
      cborKey: 1,
      description: 'outlet pressure',
    }),
    numeric('rpm', {
      unit: 'rpm',
      min: 0,
      max: 6000,
      precision: 1,
      key: 's',
      cborKey: 2,
      description: 'shaft speed',
    }),
    binary('running', { key: 'r', cborKey: 3, description: 'whether the motor runs' }),
  ],
  commands: [
    command('start', { description: 'starts the motor', effect: { metric: 'running', value: true } }),
    command('stop', { description: 'stops the motor', effect: { metric: 'running', value: false } }),
  ],
  rules: [
    {
      id: 'vibration',
      when: { metric: 'vibration', op: '>', value: 20 },
      do: { kind: 'alert', text: 'vibration is high' },
    },
  ],
  // Whether a pump shakes is seen beside the others.
  policy: { peers: 'model' },
  sample: { v: 2.35, p: 4.2, s: 2900, r: true },
});
