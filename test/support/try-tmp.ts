import { createBridge } from '/work/main/src/bridge.ts';
import { connectAsync } from 'mqtt';
import { mkdtempSync } from 'node:fs';
const note = process.argv[2];
const dataDir = mkdtempSync('/tmp/try-');
const b = await createBridge({ dataDir, devices: '/work/main/test/support/bad-devices.ts', shards: 1, mqttPort: 0, httpPort: 0, logLevel: 'debug', logFormat: 'json' }, { shard: { turnDeadlineMs: 500, shardStallMs: 1500 } });
const c = await connectAsync(`mqtt://127.0.0.1:${b.mqtt.port}`);
for (const m of [{x:1},{x:2,note},{x:3}]) void c.publishAsync('devices/bad/a/telemetry', JSON.stringify(m), {qos:1}).then(() => console.log('puback', m));
setTimeout(async () => {
  for (const p of ['bad/a','bad/a/rejected']) console.log(await (await fetch(`${b.http.url}/api/agents/${p}`)).text());
  process.exit();
}, 9000);
