import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BatchWriter, EffectWriter, readBatch, readEffects } from '../../src/actor/envelope.ts';
import {
  EFFECT,
  FLAG_DURABLE,
  KIND,
  type EffectRecord,
  type InboundRecord,
} from '../../src/actor/messages.ts';

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 65_535 });
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const text = fc.string({ unit: 'binary', maxLength: 50 });
const payload = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes));

const inbound: fc.Arbitrary<InboundRecord> = fc.record({
  kind: fc.constantFrom(...Object.values(KIND)),
  flags: u8,
  key: fc.stringMatching(/^[a-z0-9-]{0,64}\/[A-Za-z0-9._~:-]{0,128}$/),
  subject: text,
  connection: u32,
  code: u16,
  receivedAtMs: fc.double({ noNaN: true }),
  payload,
});

const effect: fc.Arbitrary<EffectRecord> = fc.record({
  kind: fc.constantFrom(...Object.values(EFFECT)),
  flags: u8,
  code: u16,
  id: u32,
  text,
  connections: fc.array(u32, { maxLength: 20 }),
  payload,
});

test('inbound records come back as they were written, in order', () => {
  fc.assert(
    fc.property(fc.array(inbound, { maxLength: 20 }), (records) => {
      const writer = new BatchWriter();
      for (const { kind, flags, key, subject, connection, code, receivedAtMs, payload } of records) {
        writer.write(kind, flags, key, subject, connection, code, receivedAtMs, payload);
      }
      expect(writer.count).toBe(records.length);
      expect(writer.durableCount).toBe(records.filter(({ flags }) => (flags & FLAG_DURABLE) !== 0).length);
      const pack = writer.take();
      expect([...readBatch(Buffer.from(pack.buffer, pack.byteOffset, pack.byteLength))]).toEqual(records);
      expect([writer.count, writer.durableCount, writer.bytes]).toEqual([0, 0, 0]);
    }),
  );
});

test('effects come back as they were written, in order', () => {
  fc.assert(
    fc.property(fc.array(effect, { maxLength: 20 }), (effects) => {
      const writer = new EffectWriter();
      for (const { kind, flags, code, id, text, connections, payload } of effects) {
        writer.write(kind, flags, code, id, text, connections, payload);
      }
      const pack = writer.take();
      expect([...readEffects(Buffer.from(pack.buffer, pack.byteOffset, pack.byteLength))]).toEqual(effects);
      expect(writer.bytes).toBe(0);
    }),
  );
});

test('a batch grows far beyond its first buffer', () => {
  const writer = new BatchWriter();
  const large = Buffer.alloc(200_000, 7);
  for (let i = 0; i < 10; i++) writer.write(KIND.telemetry, 1, 'pump/p1', '', i, 0, i, large);
  const records = [...readBatch(Buffer.from(writer.take()))];
  expect(records.map(({ connection }) => connection)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(records.every((record) => record.payload.equals(large))).toBe(true);
});

test('a cut batch is noticed', () => {
  const writer = new BatchWriter();
  writer.write(KIND.telemetry, 1, 'pump/p1', '', 1, 0, 1, Buffer.from('{}'));
  const bytes = Buffer.from(writer.take());
  expect(() => [...readBatch(bytes.subarray(0, bytes.length - 1))]).toThrow('whole records');
});
