/** A short piece of `npm run fuzz`: what is hostile is refused, and the next honest client is served. */
import { expect, test } from 'vitest';
import { BrokerFuzz } from './broker-fuzz.ts';
import { mutate } from './mutate.ts';
import { packetStream } from './packets.ts';
import { fuzzPayload } from './payload-fuzz.ts';
import { Random } from './random.ts';

test('5,000 packets of all kinds of honesty end no broker', { timeout: 60_000 }, async () => {
  const fuzz = await BrokerFuzz.start(7);
  while (fuzz.packets < 5000) await fuzz.round();
  await fuzz.stop();
});

test('10,000 payloads and frames are decoded or refused', () => {
  const random = new Random(7);
  for (let n = 0; n < 5000; n++) {
    fuzzPayload('json', random);
    fuzzPayload('cbor', random);
  }
});

test('a seed gives the same packets again, another one others', () => {
  const stream = (seed: number): string => {
    const random = new Random(seed);
    return Buffer.concat(Array.from({ length: 20 }, () => packetStream(random).packets).flat()).toString(
      'hex',
    );
  };
  expect(stream(1)).toBe(stream(1));
  expect(stream(1)).not.toBe(stream(2));
});

test('a mutation changes what it is given', () => {
  const random = new Random(1);
  const right = Buffer.from('0123456789');
  const changed = Array.from({ length: 100 }, () => !mutate(right, random).equals(right));
  expect(changed.filter(Boolean).length).toBeGreaterThan(80);
  expect(right.toString()).toBe('0123456789');
});
