import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Message } from '../../../src/broker/sessions/message.ts';
import { RetainedMessages } from '../../../src/broker/sessions/retained-messages.ts';

setFlagsFromString('--expose-gc'); // runInNewContext brings it

test('a payload that is kept does not keep what was read together with it', () => {
  const read = Buffer.alloc(64 * 1024, 'x');
  const message = new Message('a', read.subarray(100, 110));
  new RetainedMessages().set({ message, qos: 0, setBy: '' });
  expect(message.payload.toString()).toBe('xxxxxxxxxx');
  expect(message.payload.buffer.byteLength).toBe(10);
  expect(message.plain(false).toString('latin1')).toBe('0\r\0\x01axxxxxxxxxx');
});

test('a message that is kept keeps no part of a pool of small buffers, sent or not', () => {
  const message = new Message('kühl', Buffer.alloc(1000));
  expect(message.head(0x32, 258).toString('latin1')).toBe(`2\xf1\x07\0\x05k\xc3\xbchl\x01\x02`);
  const before = process.memoryUsage().arrayBuffers;
  const kept = Array.from({ length: 1000 }, (_, n) => {
    const one = new Message(`t/${n}`, Buffer.allocUnsafeSlow(10));
    new RetainedMessages().set({ message: one, qos: 1, setBy: '' });
    one.head(0x33, 1);
    Buffer.from('x'.repeat(20_000)); // what others take of the pool meanwhile
    return one;
  });
  expect(kept).toHaveLength(1000);
  (runInNewContext('gc') as () => void)();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2e6);
});

test('a payload that is most of what was read is not copied', () => {
  const read = Buffer.alloc(64 * 1024, 'x');
  const message = new Message('a', read.subarray(1024));
  message.keep();
  expect(message.payload.buffer).toBe(read.buffer);
});
