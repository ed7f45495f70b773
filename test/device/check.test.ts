import { describe, expect, it } from 'vitest';
import {
  checkCommandArgument,
  checkMetricValue,
  command,
  defineDevice,
  numeric,
} from '../../src/device/index.ts';

const vent = command('vent', { argument: { kind: 'enumeration', values: ['open', 'closed'] } });
const target = command('set-target', {
  argument: { kind: 'numeric', unit: '°C', min: 5, max: 35, precision: 0.1 },
});
const stop = command('stop');
const light = command('light', { argument: { kind: 'binary' } });
const say = command('say', { argument: { kind: 'text', bytesMax: 4 } });

describe('checkCommandArgument', () => {
  it('takes the value itself, alone in an array, or as {value}', () => {
    for (const args of ['open', ['open'], { value: 'open' }])
      expect(checkCommandArgument(vent, args)).toBe('open');
    expect(checkCommandArgument(target, 21.26)).toBe(21.3);
    expect(checkCommandArgument(light, { value: 0 })).toBe(false);
    expect(checkCommandArgument(say, ['hey'])).toBe('hey');
  });

  it('takes nothing, null, {} and [] where there is no argument', () => {
    for (const args of [undefined, null, {}, []]) expect(checkCommandArgument(stop, args)).toBeNull();
  });

  it.each([
    [vent, 'ajar', 'the argument of vent is "ajar"; allowed is open | closed'],
    [vent, undefined, 'vent needs an argument of kind enumeration'],
    [vent, {}, 'vent needs an argument'],
    [vent, ['open', 'closed'], 'is an array'],
    [vent, { value: 'open', extra: 1 }, 'is a map'],
    [target, '21', 'is "21"; a number is expected'],
    [target, 36, 'is 36 °C; allowed is 5..35 °C'],
    [target, NaN, 'a finite number is expected'],
    [light, 'on', 'true or false'],
    [say, 'hello', 'has 5 bytes; at most 4'],
    [stop, 0, 'stop takes no argument, but was given 0'],
    [stop, { force: true }, 'stop takes no argument, but was given a map'],
  ])('refuses $0.name with $1', (definition, args, message) => {
    expect(() => checkCommandArgument(definition, args)).toThrow(
      expect.objectContaining({
        code: 'BRG_COMMAND_ARGUMENT',
        message: expect.stringContaining(message) as unknown,
      }),
    );
  });
});

describe('checkMetricValue', () => {
  const room = defineDevice({
    model: 'room',
    description: 'a room',
    metrics: [numeric('target', { min: 5, max: 35, precision: 0.5, access: 'readwrite', key: 'g' })],
    sample: { g: 20 },
  });

  it('rounds a good value and says what is wrong with a bad one', () => {
    expect(checkMetricValue(room, 'target', 20.3)).toBe(20.5);
    expect(() => checkMetricValue(room, 'target', 40)).toThrow(
      expect.objectContaining({ code: 'BRG_PAYLOAD_RANGE' }),
    );
    expect(() => checkMetricValue(room, 'target', '20')).toThrow(
      expect.objectContaining({ code: 'BRG_PAYLOAD_SHAPE' }),
    );
    expect(() => checkMetricValue(room, 'g', 20)).toThrow(
      expect.objectContaining({
        code: 'BRG_UNKNOWN_METRIC',
        message: '"g" is no metric of room; it has target',
      }),
    );
  });
});
