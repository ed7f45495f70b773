import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import { mooring, startBridge, temporaryDirectory } from './start.ts';

it('mooring ask answers from what the device said, as text and as JSON, and says what is wrong', async () => {
  const { url, mqttPort } = await startBridge(join(temporaryDirectory(), 'data'));
  const device = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`);
  onTestFinished(() => void device.end(true));
  await device.publishAsync('devices/greenhouse/g7/telemetry', '{"temperature":21.5}', { qos: 1 });
  const question = ['ask', 'greenhouse/g7', 'what is the temperature?', '--url', url];
  const said = await mooring(question);
  expect(said).toMatchObject({ code: 0, stderr: '' });
  expect(said.stdout).toContain('21.5');
  const json = await mooring([...question, '--by', 'ada', '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ finish: 'done', text: expect.stringContaining('21.5') });
  const nobody = await mooring(['ask', 'greenhouse/nobody', 'hello', '--url', url]);
  expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining('BRG_UNKNOWN_AGENT') });
  expect(await mooring(['ask', 'nobody', 'hello'])).toMatchObject({ code: 2 });
});
