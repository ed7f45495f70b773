import { expect, test } from 'vitest';
import { Message } from '../../../src/broker/sessions/message.ts';
import { RetainedMessages } from '../../../src/broker/sessions/retained-messages.ts';

test('a payload that is kept does not keep what was read together with it', () => {
  const read = Buffer.alloc(64 * 1024, 'x');
  const message = new Message('a', read.subarray(100, 110));
  new RetainedMessages().set({ message, qos: 0, setBy: '' });
  expect(message.payload.toString()).toBe('xxxxxxxxxx');
  expect(message.payload.buffer.byteLength).toBe(10);
  expect(message.plain(false).toString('latin1')).toBe('0\r\0\x01axxxxxxxxxx');
});

test('a payload that is most of what was read is not copied', () => {
  const read = Buffer.alloc(64 * 1024, 'x');
  const message = new Message('a', read.subarray(1024));
  message.keep();
  expect(message.payload.buffer).toBe(read.buffer);
});
