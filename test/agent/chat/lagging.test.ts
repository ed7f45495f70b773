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

test.each([
  ['JSON', JSON_CODEC],
  ['CBOR', CBOR_CODEC],
])(
  'who stops reading is closed with 1013, holds nobody up, and is sent the rest at the pace of who reads (%s)',
  async (_, codec) => {
    const bridge = await chatBridge();
    const name = `bot/lags${codec.length}`;
    const [me, slow] = await Promise.all([
      ChatClient.open(bridge, name),
      ChatClient.open(bridge, name, codec),
    ]);
    slow.socket.socket.pause();
    const id = await me.answer(`flood ${COUNT} ${CHARACTERS}`);
    expect(seqs(me, id)).toEqual(upTo(PIECES));
    expect(me.socket.closed).toBeNull();

    slow.socket.socket.resume();
    expect((await slow.socket.closing()).code).toBe(1013);
    const seen = seqs(slow, id);
    expect(seen).toEqual(upTo(seen.length));

    // At once, this would be more than may wait for a client, however fast it reads.
    expect((PIECES - seen.length) * CHARACTERS).toBeGreaterThan(limits.socketBufferBytesMax);
    const back = await ChatClient.open(bridge, name, codec);
    back.send({ type: 'cf_agent_stream_resume_request', id, seq: seen.length });
    await until(() => back.responses(id).some(({ done }) => done) || back.socket.closed !== null);
    expect(back.socket.closed).toBeNull();
    expect([...seen, ...seqs(back, id)]).toEqual(upTo(PIECES));
    expect(slow.text(id) + back.text(id)).toBe(me.text(id));
  },
);
