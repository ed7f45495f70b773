/** What a PUBACK promises to an agent with a database of its own, proven by killing the process. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { randomStream } from '../../firmware-sim/random.ts';
import { until } from '../support/until.ts';
import { startBridge, testDataDir, type BridgeProcess } from './bridge-process.ts';

const KILLS = 3;
const IDS = ['h1', 'h2', 'h3'];
const IN_FLIGHT = 20;
const FLAGS = ['--devices', fileURLToPath(new URL('../support/sql-devices.ts', import.meta.url))];

/** Publishes readings 1, 2, 3 ... of a device, those without a PUBACK again, until it is stopped. */
class Readings {
  readonly acked = new Set<number>();
  readonly #topic: string;
  #sent = 0;

  constructor(id: string) {
    this.#topic = `devices/ledger/${id}/telemetry`;
  }

  get sent(): number {
    return this.#sent;
  }

  /** Resolves when the bridge is gone, or when `isEnough` and all that was sent has its PUBACK. */
  async stream(bridge: BridgeProcess, isEnough: () => boolean): Promise<void> {
    const client = await bridge.mqtt();
    const again = Array.from({ length: this.#sent }, (_, n) => n + 1).filter((seq) => !this.acked.has(seq));
    const next = (): number | undefined => again.shift() ?? (isEnough() ? undefined : ++this.#sent);
    const one = async (): Promise<void> => {
      for (let seq = next(); seq !== undefined; seq = next()) {
        const payload = JSON.stringify({ x: seq, boot: 'b', seq });
        await client.publishAsync(this.#topic, payload, { qos: 1 });
        this.acked.add(seq);
      }
    };
    // MQTT.js keeps what is in flight for a reconnection that does not come.
    const killed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    await Promise.race([Promise.allSettled(Array.from({ length: IN_FLIGHT }, one)), killed]);
    client.end(true);
  }
}

it('rows, state and history hold every PUBACKed message once, over 3 kills', async () => {
  const seed = Number(process.env['E2E_SEED'] ?? Math.floor(Math.random() * 1e9));
  console.log(`heavy agents: E2E_SEED=${seed}`);
  const random = randomStream(seed, 'heavy');
  const dataDir = await testDataDir();
  const devices = IDS.map((id) => new Readings(id));
  for (let kill = 1; kill <= KILLS; kill++) {
    const bridge = await startBridge(dataDir, FLAGS);
    const before = devices.reduce((sum, { acked }) => sum + acked.size, 0);
    const goal = before + Math.floor(random.between(10, 600));
    const streams = devices.map((device) => device.stream(bridge, () => false));
    await until(() => devices.reduce((sum, { acked }) => sum + acked.size, 0) >= goal, `${goal} PUBACKs`);
    await bridge.end('SIGKILL');
    await Promise.all(streams);
  }
  const bridge = await startBridge(dataDir, FLAGS);
  await Promise.all(devices.map((device) => device.stream(bridge, () => true)));
  for (const [index, device] of devices.entries()) {
    const path = `/api/agents/ledger/${IDS[index]}`;
    const numbers = Array.from({ length: device.sent }, (_, n) => n + 1);
    const { body } = await bridge.request('POST', `${path}/call/readings`, { args: [] });
    // 13 is thrown at by its hook: the row is taken back, the data is kept.
    const kept = numbers.filter((n) => n !== 13);
    expect((body as { value: number[] }).value.toSorted((a, b) => a - b)).toEqual(kept);
    const agent = await bridge.get<{ state: { rows: number } }>(path);
    expect(agent.state.rows).toBe(kept.length);
    const count = await bridge.get<{ applied: number }>(`${path}/telemetry/count`);
    expect(count.applied).toBe(numbers.length);
    const history = await bridge.get<{ series: { points: { count: number }[] }[] }>(
      `${path}/telemetry?metric=x&points=1`,
    );
    expect(history.series[0]?.points.reduce((sum, point) => sum + point.count, 0)).toBe(numbers.length);
  }
}, 30_000);
