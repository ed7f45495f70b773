import { encode as encodeCbor } from 'cborg';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import {
  binary,
  decodeTelemetry,
  defineDevice,
  enumeration,
  numeric,
  text,
  type Telemetry,
} from '../../src/device/index.ts';
import type { TelemetryOutcome } from '../../src/device/decode.ts';

const probe = defineDevice({
  model: 'probe',
  description: 'a probe',
  metrics: [
    numeric('temperature', { unit: '°C', min: -40, max: 80, precision: 0.1, key: 't', cborKey: 0 }),
    numeric('step', { precision: 5 }),
    numeric('raw'),
    binary('on', { key: 'o', cborKey: 1 }),
    enumeration('mode', { values: ['auto', 'manual'] }),
    text('label', { bytesMax: 8 }),
    numeric('limit', { access: 'write' }),
  ],
  sample: { temperature: 1, step: 5, raw: 1, on: true, mode: 'auto', label: 'x' },
});

function decodeText(payload: string): TelemetryOutcome {
  return decodeTelemetry(probe, Buffer.from(payload));
}

function one(payload: unknown): Telemetry {
  const outcome = decodeText(JSON.stringify(payload));
  if (outcome.kind === 'rejected') throw new Error(outcome.reason);
  expect(outcome.rejections).toEqual([]);
  expect(outcome.items).toHaveLength(1);
  return outcome.items[0] as Telemetry; // its length was just checked
}

describe('decodeTelemetry', () => {
  it('takes names and letters in JSON, integers too in CBOR', () => {
    expect(one({ temperature: 21.5 }).values).toEqual({ temperature: 21.5 });
    expect(one({ t: 21.5 }).values).toEqual({ temperature: 21.5 });
    const cbor = decodeTelemetry(probe, encodeCbor(new Map<number, unknown>([[0, 21.5], [1, false]]))); // prettier-ignore
    expect(cbor).toMatchObject({
      kind: 'decoded',
      codec: 'cbor',
      items: [{ values: { temperature: 21.5, on: false } }],
    });
    expect(decodeText('{"0":21.5}')).toMatchObject({ kind: 'rejected', code: 'BRG_PAYLOAD_SHAPE' });
  });

  it('keeps ts, boot and seq, which are optional', () => {
    expect(one({ t: 1 })).toEqual({
      ts: null,
      boot: null,
      seq: null,
      values: { temperature: 1 },
      unknownKeys: 0,
    });
    expect(one({ ts: 1_700_000_000_123.9, boot: 'b1', seq: 0, t: 1 })).toMatchObject({
      ts: 1_700_000_000_123,
      boot: 'b1',
      seq: 0,
    });
    expect(one({ boot: 7, t: 1 }).boot).toBe(7);
  });

  it('counts unknown keys and ignores them', () => {
    expect(one({ t: 1, h: 40, __proto: 1, 7: 2 })).toMatchObject({
      values: { temperature: 1 },
      unknownKeys: 3,
    });
  });

  it('lets no key reach the prototype of anything', () => {
    expect(decodeText('{"t":1,"__proto__":{"raw":5}}')).toMatchObject({ kind: 'rejected' });
    expect(one({ t: 1, constructor: 1, toString: 2 })).toMatchObject({
      values: { temperature: 1 },
      unknownKeys: 2,
    });
  });

  it('rounds to the precision without the noise of binary fractions', () => {
    expect(one({ t: 21.53 }).values['temperature']).toBe(21.5);
    expect(one({ t: 0.30000000000000004 }).values['temperature']).toBe(0.3);
    expect(Object.is(one({ t: -0.01 }).values['temperature'], 0)).toBe(true);
    expect(one({ step: 12.6 }).values['step']).toBe(15);
    expect(one({ step: 1.7e308 }).values['step']).toBe(1.7e308);
    expect(one({ raw: 0.123456789 }).values['raw']).toBe(0.123456789);
  });

  it('takes 1 and 0 for true and false', () => {
    expect(one({ o: 1 }).values).toEqual({ on: true });
    expect(one({ o: 0 }).values).toEqual({ on: false });
  });

  it.each([
    ['{"t":120}', 'BRG_PAYLOAD_RANGE', 'temperature is 120 °C; allowed is -40..80 °C'],
    ['{"t":80.01}', 'BRG_PAYLOAD_RANGE', 'temperature is 80.01 °C; allowed is -40..80 °C'],
    ['{"t":"21"}', 'BRG_PAYLOAD_SHAPE', 'temperature is "21"; a number is expected'],
    ['{"t":null}', 'BRG_PAYLOAD_SHAPE', 'temperature is null; a number is expected'],
    ['{"raw":1e999}', 'BRG_PAYLOAD_RANGE', 'raw is Infinity; a finite number is expected'],
    ['{"o":2}', 'BRG_PAYLOAD_SHAPE', 'on is 2; true or false is expected'],
    ['{"mode":"off"}', 'BRG_PAYLOAD_RANGE', 'mode is "off"; allowed is auto | manual'],
    ['{"mode":[1]}', 'BRG_PAYLOAD_SHAPE', 'mode is an array; allowed is auto | manual'],
    ['{"label":"ééééé"}', 'BRG_PAYLOAD_RANGE', 'label has 10 bytes; at most 8 are allowed'],
    ['{"label":"\\ud800"}', 'BRG_PAYLOAD_SHAPE', 'not valid Unicode'],
    ['{"t":1,"temperature":2}', 'BRG_PAYLOAD_SHAPE', 'temperature comes twice'],
    ['{"t":1,"ts":"now"}', 'BRG_PAYLOAD_SHAPE', 'ts is "now"'],
    ['{"t":1,"ts":-1}', 'BRG_PAYLOAD_RANGE', 'ts is -1'],
    ['{"t":1,"ts":1e300}', 'BRG_PAYLOAD_RANGE', 'ts is 1e+300'],
    ['{"t":1,"boot":true}', 'BRG_PAYLOAD_SHAPE', 'boot is true'],
    [`{"t":1,"boot":"${'x'.repeat(65)}"}`, 'BRG_PAYLOAD_SHAPE', 'up to 64 characters'],
    ['{"t":1,"seq":1.5}', 'BRG_PAYLOAD_SHAPE', 'seq is 1.5'],
    ['{"t":1,"seq":-1}', 'BRG_PAYLOAD_SHAPE', 'seq is -1'],
    ['{"t":1,"seq":9007199254740992}', 'BRG_PAYLOAD_SHAPE', 'seq is 9007199254740992'],
    ['{}', 'BRG_PAYLOAD_SHAPE', 'no known metric; the model knows temperature, step, raw, on, mode, label'],
    ['{"x":1,"limit":2}', 'BRG_PAYLOAD_SHAPE', 'no known metric'],
    ['[]', 'BRG_PAYLOAD_SHAPE', 'empty array'],
    ['{"t":', 'BRG_PAYLOAD_SYNTAX', ''],
    ['hello', 'BRG_PAYLOAD_SYNTAX', ''],
    ['', 'BRG_PAYLOAD_SYNTAX', ''],
  ])('rejects %s', (payload, code, reason) => {
    const outcome = decodeText(payload);
    expect(outcome).toMatchObject({ kind: 'rejected', code });
    expect(outcome.kind === 'rejected' && outcome.reason).toContain(reason);
  });

  it('rejects what only CBOR can say: NaN, 64-bit integers, bytes', () => {
    for (const value of [NaN, -Infinity]) {
      expect(decodeTelemetry(probe, encodeCbor({ raw: value }))).toMatchObject({ code: 'BRG_PAYLOAD_SHAPE' });
    }
    expect(decodeTelemetry(probe, encodeCbor({ t: 2n ** 63n }))).toMatchObject({ kind: 'rejected' });
    expect(decodeTelemetry(probe, encodeCbor({ label: new Uint8Array(3) }))).toMatchObject({
      code: 'BRG_PAYLOAD_SHAPE',
      reason: 'label is bytes; text is expected',
    });
    expect(decodeTelemetry(probe, encodeCbor([new Uint8Array([21])]))).toMatchObject({
      items: [],
      rejections: [{ reason: 'map 0: a map of metrics is expected, not bytes' }],
    });
  });

  it('counts the good maps of an array and names the bad', () => {
    const outcome = decodeText('[{"t":1,"seq":1},{"t":99},5,{"t":3,"seq":3}]');
    expect(outcome).toMatchObject({
      kind: 'decoded',
      items: [{ seq: 1 }, { seq: 3 }],
      rejections: [
        { code: 'BRG_PAYLOAD_RANGE', reason: 'map 1: temperature is 99 °C; allowed is -40..80 °C' },
        { code: 'BRG_PAYLOAD_SHAPE', reason: 'map 2: a map of metrics is expected, not 5' },
      ],
    });
  });

  it(`takes ${limits.telemetryBatchMax} maps in one payload and not one more`, () => {
    const batch = (count: number): string => JSON.stringify(Array.from({ length: count }, () => ({ t: 1 })));
    expect(decodeText(batch(limits.telemetryBatchMax))).toMatchObject({ kind: 'decoded' });
    expect(decodeText(batch(limits.telemetryBatchMax + 1))).toMatchObject({ code: 'BRG_PAYLOAD_TOO_LARGE' });
  });

  it('rejects a payload beyond 256 KiB before reading it', () => {
    const payload = Buffer.alloc(limits.devicePayloadBytesMax + 1, 0x20);
    expect(decodeTelemetry(probe, payload)).toMatchObject({ code: 'BRG_PAYLOAD_TOO_LARGE' });
  });

  it('keeps a reason short, however long the value is', () => {
    const outcome = decodeText(JSON.stringify({ t: 'x'.repeat(10_000) }));
    expect(outcome.kind === 'rejected' && outcome.reason.length).toBeLessThan(120);
  });
});
