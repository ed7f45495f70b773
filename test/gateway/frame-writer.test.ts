import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FrameWriter } from '../../src/gateway/frame-writer.ts';

describe('a frame for many connections', () => {
  it('is framed once in a tick, as text and as binary', () => {
    const writer = new FrameWriter();
    const payload = Buffer.from('{}');
    const framed = writer.framed(payload, true);
    expect(framed).toEqual([Buffer.from([0x81, 2, 0x7b, 0x7d])]);
    expect(writer.framed(payload, true)).toBe(framed);
    expect(writer.framed(payload, false)).toEqual([Buffer.from([0x82, 2, 0x7b, 0x7d])]);
  });

  it('is not copied when it is long', () => {
    const payload = new Uint8Array(70_000);
    const framed = new FrameWriter().framed(payload, false);
    expect(framed[0]).toEqual(Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]));
    expect(framed[1]).toBe(payload);
  });
});

describe('sockets with frames', () => {
  it('are flushed once, at the end of the tick', async () => {
    const writer = new FrameWriter();
    const flushed: string[] = [];
    for (const name of ['a', 'b']) writer.schedule({ flush: () => flushed.push(name) });
    expect(flushed).toEqual([]);
    await setImmediate();
    expect(flushed).toEqual(['a', 'b']);
    writer.schedule({ flush: () => flushed.push('c') });
    await setImmediate();
    expect(flushed).toEqual(['a', 'b', 'c']);
  });
});
