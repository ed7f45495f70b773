/**
 * A pump's vibration rises, a rule wakes its agent, the model writes a program that compares ten pumps and asks to stop
 * this one, a person approves in the browser, the pump stops, and the chat says so only once telemetry has shown it.
 */
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import pumpDefinition from '../../devices/pump.ts';
import { Fleet } from '../../firmware-sim/fleet.ts';
import { PROGRAM, QUESTION } from '../../firmware-sim/script.ts';
import type { SimulatedDevice } from '../../firmware-sim/simulated-device.ts';
import { until } from '../support/until.ts';
import { BridgeProcess, newDataDir } from './bridge-process.ts';
import { findBrowser, launchBrowser, NO_BROWSER, openPage } from './browser.ts';

const executable = findBrowser();
const AGENT = 'pump/003';
const API = `/api/agents/${AGENT}`;
let bridge: BridgeProcess;
let browser: Browser;
let fleet: Fleet;
let dataDir: string;

beforeAll(async () => {
  if (executable === undefined) {
    console.warn(`the story was NOT tested: ${NO_BROWSER}`); // the reporter hides reasons of skips
    return;
  }
  dataDir = await newDataDir();
  const devices = resolve(import.meta.dirname, '../../firmware-sim/demo-devices.ts');
  bridge = await BridgeProcess.start(dataDir, ['--devices', devices]);
  browser = await launchBrowser(executable);
  fleet = new Fleet({
    definitions: [pumpDefinition],
    devicesPerModel: 10,
    broker: `mqtt://127.0.0.1:${bridge.mqttPort}`,
    seed: 7,
    encoding: 'mixed',
    rate: 5,
    rampPerSecond: 100,
    speed: 10,
  });
  fleet.start();
  await until(async () => {
    const { agents } = await bridge.get<{ agents: unknown[] }>('/api/agents?model=pump&presence=online');
    return agents.length === 10;
  }, 'ten pumps');
}, 60_000);

afterAll(async () => {
  await fleet?.stop();
  await browser?.close();
  await bridge?.end('SIGTERM');
  if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true });
});

const card = (page: Page, id: string): Locator => page.locator(`section[aria-labelledby="${id}"]`);

/** The network fails in the moment the pump obeys: it stands, and nobody can know. */
function failsWhileObeying(pump: SimulatedDevice): void {
  pump.once('command', () => pump.drop(60_000));
}

it('a shaking pump is stopped by a person who read why, and is said to stand when its telemetry shows it', async (context) => {
  if (executable === undefined) return context.skip(NO_BROWSER);
  const pump = fleet.devices[2];
  if (pump === undefined) throw new Error('there is no third pump');
  const rule = { when: { metric: 'vibration', op: '>', value: 7.1 }, do: { kind: 'ask', text: QUESTION } };
  await bridge.request('POST', `${API}/rules`, { rule });
  const { page, problems, frames } = await openPage(browser, `${bridge.httpUrl}/#/device/${AGENT}`);
  const [chat, approvals, activity] = [card(page, 'chat'), card(page, 'approvals'), card(page, 'activity')];
  await chat.getByText('It answers from its own data').waitFor();

  pump.wear.begin('bearing', 10);
  await chat.getByText('This is the script of the demo, not a language model.').waitFor();
  await approvals.getByText('1 waits for you').waitFor();
  await approvals.getByText("stop needs a person's approval").waitFor();
  await until(async () => (await approvals.getByLabel('Program', { exact: true }).textContent()) === PROGRAM);
  const { runs } = await bridge.get<{ runs: { body: { calls: { tool: string }[] } }[] }>(`${API}/programs`);
  const reads = runs[0]?.body.calls.filter(({ tool }) => tool.endsWith('_history')).length;
  expect(reads).toBe(10);
  expect(pump.readings()['running']).toBe(true);

  failsWhileObeying(pump);
  await approvals.getByLabel('Your name').focus();
  await page.keyboard.type('Ada');
  await page.keyboard.press('Tab');
  await page.keyboard.type('it shakes alone');
  await page.keyboard.press('Enter'); // decides nothing: the focus is on Approve now
  await page.keyboard.press('Enter');
  await approvals.getByText('Approved by Ada').waitFor();
  await until(() => !pump.isOnline);
  await page.locator('span.presence-offline').waitFor();
  expect(pump.readings()['running']).toBe(false);
  expect(await chat.getByText(/^Done/).count()).toBe(0);
  expect(await approvals.getByText(/done: /).count()).toBe(0);

  pump.connect();
  await chat.getByRole('article', { name: 'Answer' }).getByText('Done: the pump stands still.').waitFor();
  await approvals.getByText('done: stop: the device').waitFor();
  const state = await bridge.get<{ state: { running: boolean } }>(API);
  expect(state.state.running).toBe(false);
  await activity.getByText(`${QUESTION} (vibration was`).waitFor();
  await activity.getByText('yes from Ada: it shakes alone').waitFor();
  await activity.getByText('command stop', { exact: true }).waitFor();
  expect(await bridge.metric('mooring_turn_errors_total')).toBe(0);
  expect(frames.text).toBe(0);
  expect(problems).toEqual([]);
}, 60_000);
