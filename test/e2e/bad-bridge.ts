/** A process like `mooring serve`, with the agents of bad-devices.ts (or `--devices`) and deadlines a test can wait for. */
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { createBridge } from '../../src/bridge.ts';

const { values } = parseArgs({
  strict: false, // the flags of `serve` that are not for here
  options: { 'data-dir': { type: 'string' }, devices: { type: 'string' } },
});
const bad = fileURLToPath(new URL('../support/bad-devices.ts', import.meta.url));
const { http, mqtt } = await createBridge(
  {
    dataDir: String(values['data-dir']),
    devices: String(values['devices'] ?? bad),
    shards: 1,
    mqttPort: 0,
    httpPort: 0,
    logLevel: 'info',
    logFormat: 'json',
  },
  { shard: { turnDeadlineMs: 500, shardStallMs: 1000 } },
);
console.log(`mooring ready mqtt=${mqtt.host}:${mqtt.port} http=${http.url}`);
