/** More sleeping agents are spoken to at once than may be awake: none loses a message, memory and files stay bounded. */
import { readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startBridge, temporaryDir, type TestBridge } from '../support/bridge.ts';
import { until } from '../support/until.ts';

const AGENTS = 10_000;
const SAMPLE_MS = 25;
const CONNECTIONS = 4;
const AWAKE_MAX = 500;
/** Wakes of one batch that may go beyond it until what the others wrote is committed (roster.ts), and a reserve. */
const BEYOND_MAX = 256 + 64;
/** Sockets of clients and server, the databases, and what the test runner opens meanwhile. */
const DESCRIPTORS_MAX = 100;

const descriptors = (): number => readdirSync('/proc/self/fd').length;

async function stats(bridge: TestBridge): Promise<Record<string, number>> {
  return (await bridge.fetch('/api/stats')).body as Record<string, number>; // the route's schema
}

/** One message to each agent at QoS 1, all at once; resolves when each has its PUBACK. */
async function storm(bridge: TestBridge, x: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => bridge.mqtt()));
  const payload = JSON.stringify({ temperature: x });
  await Promise.all(
    clients.flatMap((client, first) =>
      Array.from({ length: AGENTS / CONNECTIONS }, (_, n) =>
        client.publishAsync(`devices/thermostat/s${first + n * CONNECTIONS}/telemetry`, payload, { qos: 1 }),
      ),
    ),
  );
  await Promise.all(clients.map((client) => client.endAsync()));
}

test('a storm of messages to 10,000 sleeping agents wakes some hundred at a time and loses none', async () => {
  const before = descriptors();
  const options = { shard: { awakeAgentsMax: AWAKE_MAX, idleTimeoutMs: 3_600_000 } };
  const bridge = await startBridge({ shards: 1, dataDir: temporaryDir() }, options);
  await storm(bridge, 1);
  const peak = { awake: 0, descriptors: 0 };
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      peak.awake = Math.max(peak.awake, (await stats(bridge))['awake'] ?? NaN);
      peak.descriptors = Math.max(peak.descriptors, descriptors());
      await setTimeout(SAMPLE_MS);
    }
  })();
  await storm(bridge, 2);
  isOver = true;
  await watching;
  const { agents, awake, hibernationsRoom, telemetryApplied } = await until(async () => {
    const now = await stats(bridge);
    return now['unapplied'] === 0 ? now : undefined;
  });
  expect({ agents, telemetryApplied }).toEqual({ agents: AGENTS, telemetryApplied: 2 * AGENTS });
  expect(Math.max(peak.awake, awake ?? NaN)).toBeLessThanOrEqual(AWAKE_MAX + BEYOND_MAX);
  expect(hibernationsRoom).toBeGreaterThanOrEqual(2 * AGENTS - AWAKE_MAX - BEYOND_MAX);
  expect(peak.descriptors - before).toBeLessThanOrEqual(DESCRIPTORS_MAX);
  for (const n of [0, 4999, AGENTS - 1]) {
    expect(await bridge.agent(`thermostat/s${n}`)).toMatchObject({ messages: 2, state: { temperature: 2 } });
  }
}, 60_000);
