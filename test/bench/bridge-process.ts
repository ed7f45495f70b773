/** A bridge with default settings on free ports: `node bridge-process.ts DATA_DIR`. */
import { createBridge } from '../../src/index.ts';

const bridge = await createBridge({ dataDir: process.argv[2] ?? '', mqttPort: 0, httpPort: 0, logLevel: 'warn' });
console.log(`bridge ready mqtt=${bridge.mqtt.host}:${bridge.mqtt.port} http=${bridge.http.url}`);
process.once('SIGTERM', () => {
  void bridge.stop(); // never rejects; then nothing keeps the process
});
