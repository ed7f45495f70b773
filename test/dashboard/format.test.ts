import { describe, expect, it } from 'vitest';
import type { MetricDescription } from '../../src/dashboard/api-types.ts';
import {
  byteSize,
  count,
  mainMetric,
  metricValue,
  percentSaved,
  plural,
  rate,
  relativeTime,
} from '../../src/dashboard/format.ts';

const NARROW_SPACE = '\u202f';

describe('format', () => {
  it('says how long ago in one whole unit', () => {
    const now = 1_000_000_000;
    expect(relativeTime(null, now)).toBe('never');
    expect(relativeTime(now - 500, now)).toBe('now');
    expect(relativeTime(now - 59_999, now)).toBe('59 s ago');
    expect(relativeTime(now - 60_000, now)).toBe('1 min ago');
    expect(relativeTime(now - 3 * 86_400_000, now)).toBe('3 d ago');
  });

  it('reads a time in the future as now: clocks differ', () => {
    expect(relativeTime(2000, 1000)).toBe('now');
  });

  it('writes bytes with SI prefixes and three figures', () => {
    expect([0, 512, 1000, 1234, 999_600, 34_000_000, -1500].map((bytes) => byteSize(bytes))).toEqual([
      '0 B',
      '512 B',
      '1 kB',
      '1.23 kB',
      '1 MB',
      '34 MB',
      '-1.5 kB',
    ]);
  });

  it('groups counts by thousands', () => {
    expect(count(999)).toBe('999');
    expect(count(1_234_567)).toBe(['1', '234', '567'].join(NARROW_SPACE));
  });

  it('gives small rates a decimal', () => {
    expect([0, 0.42, 9.94, 9.96, 467.2].map((value) => rate(value))).toEqual([
      '0',
      '0.4',
      '9.9',
      '10',
      '467',
    ]);
  });

  it('rounds to the step of the metric', () => {
    const shown = (value: number, precision?: number): string =>
      metricValue(value, {
        name: 'x',
        kind: 'numeric',
        access: 'read',
        ...(precision !== undefined && { precision }),
      });
    expect(shown(21.46, 0.1)).toBe('21.5');
    expect(shown(21, 0.1)).toBe('21.0');
    expect(shown(52.523456, 1e-5)).toBe('52.52346');
    expect(shown(52.5234567891, 1e-7)).toBe('52.5234568');
    expect(shown(2899.6, 1)).toBe('2900');
    expect(shown(1 / 3)).toBe('0.3333');
    expect(shown(Number.NaN)).toBe('NaN');
  });

  it('shows values of every kind', () => {
    const metric: MetricDescription = {
      name: 'temperature',
      kind: 'numeric',
      unit: '°C',
      precision: 0.1,
      access: 'read',
    };
    expect(metricValue(21.5, metric)).toBe(`21.5${NARROW_SPACE}°C`);
    expect(metricValue(true)).toBe('on');
    expect(metricValue('open')).toBe('open');
    expect(metricValue(undefined)).toBe('–');
    expect(metricValue({ a: 1 })).toBe('{"a":1}');
  });

  it('takes the first numeric metric as the main one, but no position', () => {
    const model = {
      model: 'pump',
      kind: 'device',
      vendor: '',
      description: '',
      commands: [],
      metrics: [
        { name: 'running', kind: 'binary', access: 'read' },
        { name: 'latitude', kind: 'numeric', unit: '°', access: 'read' },
        { name: 'rpm', kind: 'numeric', access: 'read' },
      ],
    } as const;
    expect(mainMetric(model)).toBe('rpm');
    expect(mainMetric({ ...model, metrics: [] })).toBeNull();
    expect(mainMetric(undefined)).toBeNull();
  });

  it('says what CBOR saved, or cost', () => {
    expect(percentSaved(50, 100)).toBe(`−50${NARROW_SPACE}%`);
    expect(percentSaved(110, 100)).toBe(`+10${NARROW_SPACE}%`);
    expect(percentSaved(0, 0)).toBeNull();
  });

  it('knows one from many', () => {
    expect(plural(1, 'item')).toBe('1 item');
    expect(plural(2, 'reply', 'replies')).toBe('2 replies');
  });
});
