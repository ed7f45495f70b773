/** The dashboard of a running bridge in a real browser, with devices that publish over MQTT. */
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { MqttClient } from 'mqtt';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { BridgeProcess, newDataDir } from './bridge-process.ts';
import { findBrowser, launchBrowser, NO_BROWSER, openPage } from './browser.ts';
import { until } from '../support/until.ts';
import { hashPassword } from '../../src/identity/index.ts';
import { IdentityStore } from '../../src/store/index.ts';

const FLEET_SIZE = 500;
/** The page is watched for this many seconds of the fleet's messages. */
const WATCHED_SECONDS = 4;
/** A task that blocks the page this long is felt as a hang; the machine that runs tests may be busy. */
const HANG_MS = 200;
const HANGS_MAX = 3;
const PUBLISH_INTERVAL_MS = 50;

const executable = findBrowser();
let bridge: BridgeProcess;
let browser: Browser;
let dataDir: string;

beforeAll(async () => {
  if (executable === undefined) {
    console.warn(`the dashboard was NOT tested: ${NO_BROWSER}`); // the reporter hides reasons of skips
    return;
  }
  dataDir = await newDataDir();
  bridge = await BridgeProcess.start(dataDir);
  browser = await launchBrowser(executable);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await bridge?.end('SIGTERM');
  if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true });
});

beforeEach((context) => {
  if (executable === undefined) context.skip(NO_BROWSER);
});

/** A greenhouse that answers its commands. */
async function startGreenhouse(
  id: string,
): Promise<{ client: MqttClient; send: (payload: string) => Promise<unknown>; got: string[] }> {
  const client = await bridge.mqtt({ clientId: id });
  const got: string[] = [];
  client.on('message', (topic, payload) => {
    got.push(payload.toString());
    client.publish(
      `devices/greenhouse/${id}/result/${topic.split('/').at(-1)}`,
      '{"ok": true, "value": "moved"}',
    );
  });
  await client.subscribeAsync(`devices/greenhouse/${id}/command/#`, { qos: 1 });
  const send = (payload: string) =>
    client.publishAsync(`devices/greenhouse/${id}/telemetry`, payload, { qos: 1 });
  await send('{"temperature": 21.5, "humidity": 55.2, "battery": 88}');
  return { client, send, got };
}

function card(page: Page, id: string) {
  return page.locator(`section[aria-labelledby="${id}"]`);
}

const deviceUrl = (id: string): string => `${bridge.httpUrl}/#/device/greenhouse/${id}`;

describe('the dashboard', () => {
  it('shows a device live and its page with a chart, in CBOR only and without an error', async () => {
    const device = await startGreenhouse('live-1');
    const { page, problems, frames } = await openPage(browser, bridge.httpUrl);
    const row = page.locator('tr.fleet-row', { hasText: 'live-1' });
    await row.getByText('21.5').waitFor();
    await row.getByText('Online', { exact: true }).waitFor();
    await device.send('{"temperature": 23.4}');
    await row.getByText('23.4').waitFor();
    const historyReads: string[] = [];
    page.on('request', (request) => {
      const url = new URL(request.url());
      // Reads of one metric are the fleet's sparklines.
      if (url.pathname.endsWith('/telemetry') && !url.searchParams.has('metric')) historyReads.push(url.href);
    });
    await page.getByRole('link', { name: 'live-1' }).click();
    await page.getByRole('heading', { level: 1, name: 'live-1' }).waitFor();
    await card(page, 'history').locator('canvas').waitFor();
    const values = page.getByLabel('Last values', { exact: true });
    await values.getByText('23.4').waitFor();
    await device.send('{"temperature": 24.8}');
    await values.getByText('24.8').waitFor();
    await page.getByText('live, CBOR').waitFor();
    device.client.end();
    await page.locator('.facts').getByText('Asleep').waitFor();
    expect(historyReads).toHaveLength(1);
    expect(problems).toEqual([]);
    expect(frames.text).toBe(0);
    expect(frames.binary).toBeGreaterThan(3);
  });

  it('shows an agent that is no device by its state and frames, and asks nothing else of it', async () => {
    const devices = resolve(import.meta.dirname, '../support/plain-devices.ts');
    const plainDir = await newDataDir();
    const plain = await BridgeProcess.start(plainDir, ['--devices', devices]);
    onTestFinished(async () => {
      await plain.end('SIGTERM');
      await rm(plainDir, { recursive: true, force: true });
    });
    const join = (name: string): Promise<Response> =>
      fetch(`${plain.httpUrl}/api/agents/room/lobby/call/join`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ args: [name] }),
      });
    await join('ada');
    const { page, problems } = await openPage(browser, plain.httpUrl);
    const row = page.locator('tr.fleet-row', { hasText: 'lobby' });
    await row.locator('.col-presence').getByText('Agent', { exact: true }).waitFor();
    await row.getByRole('link').click();
    await card(page, 'state').getByText('ada').waitFor();
    await page.getByText('live, CBOR').waitFor();
    await join('bob');
    await card(page, 'state').getByText('bob').waitFor();
    expect(await page.locator('section.card h2').allTextContents()).toEqual(['State', 'Frames']);
    expect(problems).toEqual([]);
  });

  it('sends a command from its form and shows that the device has done it', async () => {
    const device = await startGreenhouse('command-1');
    const { page, problems } = await openPage(browser, deviceUrl('command-1'));
    const commands = card(page, 'commands');
    await commands.getByRole('button', { name: 'open', exact: true }).click();
    await commands.locator('.command-outcome').getByText('done').waitFor();
    await commands.locator('.command-outcome').getByText('moved').waitFor();
    expect(device.got).toEqual(['"open"']);
    expect(problems).toEqual([]);
  });

  it('adds a rule that fires, shows its alert, and deletes the rule', async () => {
    const device = await startGreenhouse('rule-1');
    const { page, problems } = await openPage(browser, deviceUrl('rule-1'));
    const rules = card(page, 'rules');
    await rules.getByRole('button', { name: 'Add rule' }).click();
    await rules.getByLabel('Metric').selectOption('humidity');
    await rules.getByLabel('Condition').selectOption('>');
    await rules.getByLabel('Value').fill('90');
    await rules.getByLabel('Message').fill('It is raining inside');
    await rules.getByRole('button', { name: 'Add rule' }).click();
    const remove = rules.getByRole('button', { name: /^Delete the rule: .*humidity/ });
    await remove.waitFor();
    await device.send('{"humidity": 95}');
    await card(page, 'alerts').getByText('It is raining inside').waitFor();
    await remove.click();
    await remove.waitFor({ state: 'detached' });
    expect(problems).toEqual([]);
  });

  it('says what is wrong with a rule and keeps what was typed', async () => {
    await startGreenhouse('rule-2');
    const { page } = await openPage(browser, deviceUrl('rule-2'));
    const rules = card(page, 'rules');
    await rules.getByRole('button', { name: 'Add rule' }).click();
    await rules.getByLabel('Message').fill('Kept');
    await rules.getByRole('button', { name: 'Add rule' }).click();
    await rules.getByText('Give a value for temperature, a number.').waitFor();
    expect(await rules.getByLabel('Message').inputValue()).toBe('Kept');
  });

  it('shows a refused payload with its reason, on the page of the device and in the fleet', async () => {
    const device = await startGreenhouse('refused-1');
    const { page, problems } = await openPage(browser, deviceUrl('refused-1'));
    await card(page, 'rejected').getByText('Everything this device sent was understood.').waitFor();
    await device.send('{"temperature": 21, "oops');
    await device.send('{"temperature": 900}');
    await card(page, 'rejected').getByText('2 payloads').waitFor();
    await card(page, 'rejected').locator('summary').first().click();
    await card(page, 'rejected').getByText('BRG_PAYLOAD_RANGE').waitFor();
    await card(page, 'rejected').getByText('{"temperature": 900}').waitFor();
    await page.getByRole('link', { name: 'Fleet', exact: true }).first().click();
    await page.locator('tr.fleet-row', { hasText: 'refused-1' }).getByText('2 rejected').waitFor();
    expect(problems).toEqual([]);
  });

  it('signs in with name and password, shows what was denied with the command that allows it, and signs out', async () => {
    const dir = await newDataDir();
    const store = new IdentityStore(dir);
    const secret = await hashPassword('correct horse');
    store.put({ name: 'anna', role: 'user', model: '', id: '', secret, createdAtMs: 0 });
    store.http.putUser({ name: 'anna', scopes: 'read', agents: '*' });
    store.put({ name: 'pump/p1', role: 'device', model: 'pump', id: 'p1', secret, createdAtMs: 0 });
    store.close();
    const guarded = await BridgeProcess.start(dir);
    onTestFinished(() => guarded.end('SIGTERM').then(() => rm(dir, { recursive: true, force: true })));
    const permissions = ['clipboard-read', 'clipboard-write'];
    const { page } = await openPage(browser, guarded.httpUrl, { permissions });
    await page.getByLabel('Name').fill('anna');
    for (const password of ['wrong', 'correct horse']) {
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      if (password === 'wrong') await page.getByText('wrong name or password').waitFor();
    }
    await page.getByText('Signed in as anna').waitFor();
    await page.getByRole('link', { name: 'Denied' }).click();
    await page.getByText('Nothing was denied since the bridge started.').waitFor();
    const device = await guarded.mqtt({ username: 'pump/p1', password: 'correct horse' });
    await expect(device.subscribeAsync('devices/pump/p2/#')).rejects.toThrow();
    const denial = page.getByRole('listitem').filter({ hasText: 'devices/pump/p2/#' });
    const allow = "mooring acl allow pump/p1 subscribe 'devices/pump/p2/#'";
    await denial.getByText(allow, { exact: true }).waitFor();
    await denial.getByRole('button', { name: 'Copy' }).press('Enter');
    await denial.getByText('Copied').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(allow);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  }, 90_000);

  it('is dark when the system is, and keeps the choice of a theme', async () => {
    await startGreenhouse('theme-1');
    const { page } = await openPage(browser, bridge.httpUrl, { colorScheme: 'dark' });
    const background = (): Promise<string> =>
      page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const dark = await background();
    expect(luminance(dark)).toBeLessThan(0.3);
    await page.getByRole('button', { name: 'Use the light theme' }).click();
    const light = await background();
    expect(luminance(light)).toBeGreaterThan(0.7);
    await page.reload();
    expect(await background()).toBe(light);
    await page.getByRole('button', { name: 'Follow the system theme' }).click();
    expect(await background()).toBe(dark);
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await background()).toBe(light);
  });

  it(`stays smooth with ${FLEET_SIZE} devices at 1 message a second`, async () => {
    const gateway = await bridge.mqtt({ clientId: 'gateway' });
    const ids = Array.from({ length: FLEET_SIZE }, (_, index) => `f-${String(index).padStart(3, '0')}`);
    let sent = 0;
    const publish = (): void => {
      const id = ids[sent % FLEET_SIZE] ?? '';
      gateway.publish(`devices/pump/${id}/telemetry`, `{"rpm": ${1000 + Math.floor(sent / FLEET_SIZE)}}`);
      sent++;
    };
    for (let index = 0; index < FLEET_SIZE; index++) publish();
    const perTick = Math.ceil((FLEET_SIZE * PUBLISH_INTERVAL_MS) / 1000);
    const timer = setInterval(() => {
      for (let index = 0; index < perTick; index++) publish();
    }, PUBLISH_INTERVAL_MS);
    onTestFinished(() => clearInterval(timer));

    const { page, problems, frames } = await openPage(browser, `${bridge.httpUrl}/#/?model=pump`);
    await page.locator(`table[aria-rowcount="${FLEET_SIZE + 1}"]`).waitFor();
    // The measurement is measured first: it sees a task that blocks the page.
    await page.evaluate(
      `setTimeout(() => { const end = performance.now() + ${HANG_MS}; while (performance.now() < end); })`,
    );
    await until(
      () => page.evaluate<boolean>(`window.longTasks.some((ms) => ms >= ${HANG_MS})`),
      'a long task',
    );
    await page.evaluate('void (window.longTasks.length = 0)');
    const rounds = Math.floor(sent / FLEET_SIZE) + WATCHED_SECONDS;
    // Every row in sight goes with its device, also after a scroll to the end of the table.
    await page
      .locator('tr.fleet-row', { hasText: ids[3] ?? '' })
      .getByText(rpm(1000 + rounds - 1))
      .waitFor();
    await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
    await page
      .locator('tr.fleet-row', { hasText: ids.at(-1) ?? '' })
      .getByText(/^rpm/)
      .waitFor();
    await until(() => sent >= rounds * FLEET_SIZE, 'the fleet to have sent for long enough');
    const tasks: number[] = await page.evaluate('window.longTasks');
    const hangs = tasks.filter((durationMs) => durationMs > HANG_MS);
    console.log(
      `${FLEET_SIZE} devices: ${tasks.length} long tasks, longest ${Math.round(Math.max(0, ...tasks))} ms`,
    );
    expect(hangs.length).toBeLessThanOrEqual(HANGS_MAX);
    expect(await page.locator('tr.fleet-row').count()).toBeLessThan(80);
    expect(problems).toEqual([]);
    expect(frames.text).toBe(0);
  }, 40_000);
});

/** A value as the table shows it, whatever separates its thousands. */
function rpm(value: number): RegExp {
  return new RegExp(`${Math.floor(value / 1000)}.?${String(value % 1000).padStart(3, '0')}`);
}

/** 0 is black, 1 is white, of `rgb(r, g, b)`. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}
