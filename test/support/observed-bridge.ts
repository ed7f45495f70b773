import { fileURLToPath } from 'node:url';
import { startBridge, type TestBridge } from './bridge.ts';

const devices = fileURLToPath(new URL('./observed-devices.ts', import.meta.url));
/** A bridge with the agents of observed-devices.ts, in this thread unless `shards` says otherwise. */
export const start = (overrides: object = {}, options = {}): Promise<TestBridge> =>
  startBridge({ devices, ...overrides }, options);

/** A device that answers every command with a failure; resolves to what publishes its telemetry. */
export async function device(bridge: TestBridge, id: string): Promise<(body: object) => Promise<unknown>> {
  const client = await bridge.mqtt();
  const publish = (channel: string, body: object): Promise<unknown> =>
    client.publishAsync(`devices/observed/${id}/${channel}`, JSON.stringify(body), { qos: 1 });
  client.on('message', (topic) => {
    const cid = topic.split('/').at(-1) ?? '';
    void publish(`result/${cid}`, { ok: false, error: 'stuck' });
  });
  await client.subscribeAsync(`devices/observed/${id}/command/#`, { qos: 1 });
  return (body) => publish('telemetry', body);
}

/** Calls a method over HTTP. */
export const call = (bridge: TestBridge, id: string, method: string, ...args: unknown[]) =>
  bridge.fetch(`/api/agents/observed/${id}/call/${method}`, { body: { args } });
