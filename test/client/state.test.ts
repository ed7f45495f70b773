import { describe, expect, it } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { until } from '../support/until.ts';
import { type Peer, type Script, ScriptedServer } from './scripted-server.ts';

function withState(state: unknown, version?: number): Script['onConnect'] {
  return (peer) => {
    peer.send({ type: 'cf_agent_identity', name: 'g1', agent: 'greenhouse' });
    peer.send({ type: 'cf_agent_state', state, ...(version === undefined ? {} : { version }) });
  };
}

function patch(peer: Peer, version: number, change: unknown): void {
  peer.send({ type: 'mooring_state_patch', patch: change, version });
}

describe.each(['cbor', 'json'] as const)('the state on a %s connection', (codec) => {
  it.each([0, '', false, null, [], {}])('may be %j', async (state) => {
    const server = await ScriptedServer.start({ onConnect: withState(state) });
    const seen: unknown[] = [];
    const client = server.client({ codec, onStateUpdate: (value, source) => seen.push([value, source]) });
    await client.ready;
    expect(client.state).toEqual(state);
    expect(seen).toEqual([[state, 'server']]);
    await client.setState({ other: true });
    await client.setState(state);
    expect(client.state).toEqual(state);
    expect((await server.peer()).frames.at(-1)).toEqual({ type: 'cf_agent_state', state });
  });

  it('follows patches of the next version', async () => {
    const server = await ScriptedServer.start({ onConnect: withState({ a: 1, b: { c: 2, d: 3 } }, 7) });
    const client = server.client({ codec });
    await client.ready;
    const peer = await server.peer();
    patch(peer, 7, { a: 'repeated' }); // held by the first state already
    patch(peer, 8, { a: 5, b: { c: null } });
    patch(peer, 9, { e: 0 });
    await until(() => client.stateVersion === 9, 'both came');
    expect(client.state).toEqual({ a: 5, b: { d: 3 }, e: 0 });
    expect(server.peers).toHaveLength(1);
  });
});

describe('a patch', () => {
  it('that skips a version makes a new connection, whose state counts', async () => {
    const server = await ScriptedServer.start({
      onConnect: (peer, n) => withState({ n }, 7 + 10 * n)?.(peer, n),
    });
    const client = server.client<{ state: { n: number } }>();
    await client.ready;
    patch(await server.peer(0), 9, { n: 'lost' });
    await until(() => client.state?.n === 1, 'the second state came');
    expect(client.stateVersion).toBe(17);
  });

  it('of a state without a version is applied as it comes', async () => {
    const server = await ScriptedServer.start({ onConnect: withState({ a: 1 }) });
    const client = server.client();
    await client.ready;
    patch(await server.peer(), 40, { a: 2 });
    await until(() => client.stateVersion === 40, 'it came');
    expect(client.state).toEqual({ a: 2 });
  });

  it('behind a state of our own shows that it was taken', async () => {
    const server = await ScriptedServer.start({
      onConnect: withState({ a: 1 }, 1),
      answers: ({ probes }) => probes < 2,
    });
    const client = server.client();
    await client.ready;
    const done = client.setState({ a: 2, b: 2 });
    const peer = await server.peer();
    await until(() => peer.frames.length === 1, 'the state came');
    patch(peer, 3, { c: 3 }); // 2 was ours
    await done;
    expect(client.state).toEqual({ a: 2, b: 2, c: 3 });
  });

  it('in front of a state of our own does not hide it', async () => {
    const server = await ScriptedServer.start({
      onConnect: withState({ a: 1 }, 1),
      answers: ({ probes }) => probes < 2,
    });
    const client = server.client();
    await client.ready;
    const done = client.setState({ a: 'ours' });
    const peer = await server.peer();
    patch(peer, 2, { a: 'theirs' });
    await until(() => client.stateVersion === 2, 'it came');
    expect(client.state).toEqual({ a: 'ours' });
    patch(peer, 4, { b: 1 }); // 3 was ours
    await done;
    expect(client.state).toEqual({ a: 'ours', b: 1 });
  });

  it('after states of our own counts on from them', async () => {
    const server = await ScriptedServer.start({ onConnect: withState({ a: 1 }, 1) });
    const client = server.client();
    await client.ready;
    await Promise.all([client.setState({ a: 2 }), client.setState({ a: 3 })]);
    patch(await server.peer(), 4, { b: 1 });
    await until(() => client.stateVersion === 4, 'it came');
    expect(client.state).toEqual({ a: 3, b: 1 });
    expect(server.peers).toHaveLength(1);
  });
});

describe('setState', () => {
  it('shows the state at once and takes it back when the agent refuses', async () => {
    const server = await ScriptedServer.start({
      onConnect: withState({ a: 1 }),
      onFrame: (_frame, peer) => peer.send({ type: 'cf_agent_state_error', error: 'Connection is readonly' }),
    });
    const seen: unknown[] = [];
    const errors: string[] = [];
    const client = server.client<{ state: { a: number } }>({
      onStateUpdate: (state, source) => seen.push([state.a, source]),
      onStateUpdateError: (message) => errors.push(message),
    });
    await client.ready;
    const done = client.setState({ a: 2 });
    expect(client.state).toEqual({ a: 2 });
    await expect(done).rejects.toMatchObject({
      code: 'BRG_STATE_REJECTED',
      message: 'Connection is readonly',
    });
    expect(client.state).toEqual({ a: 1 });
    expect(seen).toEqual([
      [1, 'server'],
      [2, 'client'],
      [1, 'server'],
    ]);
    expect(errors).toEqual(['Connection is readonly']);
  });

  it('takes back only the refused one of several', async () => {
    const server = await ScriptedServer.start({
      onConnect: withState(0),
      onFrame: (frame, peer) => {
        if (frame.type !== 'cf_agent_state' || frame.state !== 2) return;
        peer.send({ type: 'cf_agent_state_error', error: 'State update rejected' });
      },
    });
    const client = server.client<{ state: number }>();
    await client.ready;
    const outcomes = await Promise.allSettled([1, 2, 3, 2].map((state) => client.setState(state)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect(client.state).toBe(3);
  });

  it('without a connection is sent to the next one; one that was lost on the way is rejected', async () => {
    const server = await ScriptedServer.start({
      onConnect: withState('old'),
      answers: ({ probes }) => probes < 2,
    });
    const client = server.client<{ state: string }>();
    await client.ready;
    const lost = client.setState('lost');
    const first = await server.peer(0);
    await until(() => first.frames.length === 1, 'it came');
    first.socket.terminate();
    await expect(lost).rejects.toThrow('Connection closed: the state may or may not have been set');
    const kept = client.setState('kept');
    expect(client.state).toBe('kept');
    const second = await server.peer(1);
    await until(() => second.frames.length === 1, 'it came');
    second.socket.terminate();
    await expect(kept).rejects.toMatchObject({ code: 'BRG_CONNECTION_CLOSED' });
    await until(() => client.state === 'old', 'the agent said what is true');
  });

  it('refuses what does not fit into a frame or cannot be written, and more than may wait', async () => {
    const server = await ScriptedServer.start({
      onConnect: withState('s'),
      answers: ({ probes }) => probes < 2,
    });
    const client = server.client();
    await client.ready;
    await expect(client.setState('x'.repeat(limits.frameBytesMax))).rejects.toMatchObject({
      code: 'BRG_FRAME_TOO_LARGE',
    });
    await expect(client.setState(1n)).rejects.toBeInstanceOf(TypeError);
    expect(client.state).toBe('s');
    for (let n = 0; n < limits.clientStatesPendingMax; n++) void client.setState(n); // handled inside
    await expect(client.setState('more')).rejects.toMatchObject({ code: 'BRG_BUSY' });
    expect(client.state).toBe(limits.clientStatesPendingMax - 1);
  });
});
