/** An agent that is slow slows its device: neither the others nor the bridge's memory. */
import { expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { labDevices, startBridge, type TestBridge } from '../support/bridge.ts';
import { until } from '../support/until.ts';

/** Publishes of the slow device that have no PUBACK yet. */
const WINDOW = 400;
const SLOW = JSON.stringify({ x: 1, note: 'slow' });

async function busyCount(bridge: TestBridge): Promise<number> {
  const { body } = await bridge.fetch('/metrics');
  return Number(/mooring_denied_total\{reason="busy"\} (\d+)/.exec(String(body['text']))?.[1]);
}

test('a slow agent holds back its own device, sheds its QoS 0 with a counter, and nobody else waits', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  let acked = 0;
  const publish = (): void => {
    device.publish('devices/lab/slow/telemetry', SLOW, { qos: 1 }, (error) => {
      // Its end at the end of the test is no PUBACK.
      if (error) return;
      acked++;
      publish();
    });
  };
  for (let n = 0; n < WINDOW; n++) publish();
  await until(async () => (await busyCount(bridge)) > 0, 'the slow device to be held back');
  const ackedThen = acked;
  expect(ackedThen).toBeGreaterThanOrEqual(limits.agentWaitingMax - WINDOW);

  // Twenty such messages take their agent a second.
  const other = await bridge.mqtt();
  const startMs = performance.now();
  for (let x = 0; x < 20; x++) {
    await other.publishAsync('devices/lab/other/telemetry', JSON.stringify({ x }), { qos: 1 });
  }
  await bridge.describedAs('lab/other', ({ messages }) => messages === 20);
  const tookMs = performance.now() - startMs;
  // While it is behind, its agent takes 20 messages a second, and as many PUBACKs leave.
  expect(acked - ackedThen).toBeLessThan(WINDOW + 100);
  expect(tookMs).toBeLessThan(8_000);
  const { body: stats } = await bridge.fetch('/api/stats');
  expect(stats['unapplied']).toBeLessThanOrEqual(limits.agentWaitingMax + 2 * WINDOW);

  const before = await busyCount(bridge);
  const careless = await bridge.mqtt();
  for (let n = 0; n < 50; n++) careless.publish('devices/lab/slow/telemetry', SLOW, { qos: 0 });
  await until(async () => (await busyCount(bridge)) >= before + 50, 'QoS 0 to be shed and counted');
  device.end(true);
});
