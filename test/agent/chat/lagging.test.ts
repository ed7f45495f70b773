/** Viewers of a chat that read too slowly: what waits for them is bounded, and they lose nothing. */
import { expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { CBOR_CODEC, chatBridge, ChatClient, JSON_CODEC } from '../../support/chat-client.ts';
import { until } from '../../support/until.ts';

const seqs = (client: ChatClient, id: string): number[] =>
  client.responses(id).flatMap(({ done, seq }) => (done || seq === undefined ? [] : [seq]));
const upTo = (last: number): number[] => Array.from({ length: last }, (_, n) => n + 1);

/** Beyond what the kernels of both ends keep for a client that does not read, and twice what the bridge does. */
const COUNT = 400;
const CHARACTERS = 60_000;
const PIECES = COUNT + 2;

test('who stops reading is closed with 1013, holds nobody up, and is sent the rest at a pace that it can read', async () => {
  const bridge = await chatBridge();
  const codecs = [JSON_CODEC, CBOR_CODEC];
  const open = (codec: string[]): Promise<ChatClient> => ChatClient.open(bridge, 'bot/lags', codec);
  const me = await open(JSON_CODEC);
  const slow = await Promise.all(codecs.map(open));
  for (const { socket } of slow) socket.socket.pause();
  const id = await me.answer(`flood ${COUNT} ${CHARACTERS}`);
  expect(seqs(me, id)).toEqual(upTo(PIECES));
  expect(me.socket.closed).toBeNull();

  for (const [at, client] of slow.entries()) {
    client.socket.socket.resume();
    // Who has not read the close frame after `webSocketCloseMs` is cut off: on a busy machine that may be now.
    expect([1013, 1006]).toContain((await client.socket.closing()).code);
    const seen = seqs(client, id);
    expect(seen).toEqual(upTo(seen.length));

    // At once, this would be more than may wait for a client, however fast it reads.
    expect((PIECES - seen.length) * CHARACTERS).toBeGreaterThan(limits.socketBufferBytesMax);
    const back = await open(codecs[at] ?? []);
    back.send({ type: 'cf_agent_stream_resume_request', id, seq: seen.length });
    await until(() => back.responses(id).some(({ done }) => done) || back.socket.closed !== null);
    expect(back.socket.closed).toBeNull();
    expect([...seen, ...seqs(back, id)]).toEqual(upTo(PIECES));
    expect(client.text(id) + back.text(id)).toBe(me.text(id));
  }
});
