import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { describe, expect, onTestFinished, it } from 'vitest';
import { WebSocket, type ClientOptions } from 'ws';
import { mqttUpgrade } from '../../src/gateway/index.ts';
import { limits } from '../../src/base/limits.ts';
import { start } from './start.ts';

async function upgraded() {
  const streams: Duplex[] = [];
  const { wsUrl } = await start({
    onMqttUpgrade: mqttUpgrade((stream) => {
      stream.on('error', () => undefined).resume();
      streams.push(stream);
    }),
  });
  const connect = (options: ClientOptions = {}): WebSocket => {
    const socket = new WebSocket(`${wsUrl}/mqtt`, ['mqtt'], options);
    socket.on('error', () => undefined);
    onTestFinished(() => socket.terminate());
    return socket;
  };
  return { connect, streams };
}

describe('checklist 18: MQTT over WebSocket', () => {
  it('negotiates no compression, so that nothing small becomes large', async () => {
    const { connect } = await upgraded();
    const socket = connect({ perMessageDeflate: true });
    await once(socket, 'open');
    expect(socket.extensions).toBe('');
  });

  it('closes with 1009 when a frame is larger than 256 KiB, by its declared length', async () => {
    const { connect, streams } = await upgraded();
    const socket = connect();
    await once(socket, 'open');
    socket.send(Buffer.alloc(limits.frameBytesMax));
    socket.send(Buffer.alloc(limits.frameBytesMax + 1));
    const [code] = (await once(socket, 'close')) as [number]; // event of ws
    expect(code).toBe(1009);
    expect(streams).toHaveLength(1);
  });

  it('closes with 1003 when a frame is text [MQTT-6.0.0-1]', async () => {
    const { connect } = await upgraded();
    const socket = connect();
    await once(socket, 'open');
    socket.send('text');
    const [code] = (await once(socket, 'close')) as [number]; // event of ws
    expect(code).toBe(1003);
  });

  it('is refused to a page from elsewhere', async () => {
    const { connect, streams } = await upgraded();
    const socket = connect({ origin: 'http://evil.example' });
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]; // event of ws
    expect(response.statusCode).toBe(403);
    expect(streams).toEqual([]);
  });
});
