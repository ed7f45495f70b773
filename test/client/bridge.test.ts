/** The client against a real bridge, with devices over MQTT. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import {
  AgentClient,
  type Codec,
  type SocketConstructor,
  type TelemetryMessage,
} from '../../src/client/index.ts';
import { startBridge, type TestBridge } from '../support/bridge.ts';
import { until } from '../support/until.ts';

interface Settings {
  readonly model: string;
  readonly id: string;
  readonly codec?: Codec;
  readonly WebSocket?: SocketConstructor;
}

/** A client that is closed when the test is over. */
function connect<A>(bridge: TestBridge, settings: Settings): AgentClient<A> {
  const client = new AgentClient<A>({ host: bridge.bridge.http.url, ...settings });
  onTestFinished(() => client.close());
  return client;
}

describe.each([
  ['cbor', undefined],
  ['json', undefined],
  ['cbor', WebSocket],
  ['json', WebSocket],
] as const)('a %s client of a bridge, over %o', (codec, constructor) => {
  const address = { model: 'greenhouse', id: 'g7', codec };
  const settings = constructor === undefined ? address : { ...address, WebSocket: constructor };

  it('hears what a device publishes', async () => {
    const bridge = await startBridge();
    const client = connect<{ state: { temperature: number } }>(bridge, settings);
    const telemetry: TelemetryMessage[] = [];
    const presence: string[] = [];
    client.on('telemetry', (message) => telemetry.push(message));
    client.on('presence', (message) => presence.push(message.presence));
    await client.ready;
    expect(client).toMatchObject({ agent: 'greenhouse', name: 'g7' });
    const device = await bridge.mqtt();
    await device.publishAsync('devices/greenhouse/g7/telemetry', '{"temperature":21.5,"seq":7,"boot":1}', {
      qos: 1,
    });
    await until(() => telemetry.length === 1 && client.state?.temperature === 21.5);
    expect(telemetry).toEqual([{ ts: expect.any(Number) as number, values: { temperature: 21.5 }, seq: 7 }]);
    await until(() => presence.includes('online'));
  });

  it('sets the state for others, is told when it may not, and of unknown methods', async () => {
    const bridge = await startBridge();
    const client = connect(bridge, settings);
    const other = connect(bridge, { ...address, codec: codec === 'json' ? 'cbor' : 'json' });
    await Promise.all([client.ready, other.ready]);
    await client.setState({ note: 'grün' });
    await until(() => other.state !== undefined);
    expect(other.state).toEqual({ note: 'grün' });
    await expect(client.setState(5)).rejects.toMatchObject({ code: 'BRG_STATE_REJECTED' });
    expect(client.state).toEqual({ note: 'grün' });
    await expect(client.call('nonsense', [1])).rejects.toMatchObject({
      code: 'BRG_CALL_FAILED',
      message: 'Method nonsense does not exist',
    });
    await other.setState({ note: 'back' });
    await until(() => JSON.stringify(client.state) === '{"note":"back"}');
  });
});

it('hears of the fleet', async () => {
  const bridge = await startBridge();
  const client = connect(bridge, { model: 'fleet', id: 'all' });
  const rows: string[] = [];
  client.on('fleet', (message) => rows.push(...message.rows.map(({ model, id }) => `${model}/${id}`)));
  await client.ready;
  const device = await bridge.mqtt();
  await device.publishAsync('devices/pump/p1/telemetry', '{"rpm":100}', { qos: 1 });
  await until(() => rows.includes('pump/p1'));
});
