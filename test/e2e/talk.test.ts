/** The dashboard's chat, approvals and activity in a real browser, with a valve that obeys over MQTT. */
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { MqttClient } from 'mqtt';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BridgeProcess, newDataDir } from './bridge-process.ts';
import { modernServer } from '../support/mcp-http-server.ts';
import { findBrowser, launchBrowser, NO_BROWSER, openPage } from './browser.ts';

const executable = findBrowser();
let bridge: BridgeProcess;
let browser: Browser;
let dataDir: string;

beforeAll(async () => {
  if (executable === undefined) {
    console.warn(`chat and approvals were NOT tested: ${NO_BROWSER}`); // the reporter hides reasons of skips
    return;
  }
  dataDir = await newDataDir();
  const devices = resolve(import.meta.dirname, '../support/page-devices.ts');
  bridge = await BridgeProcess.start(dataDir, ['--devices', devices, '--mcp-allow', 'loopback']);
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

/** A valve that goes where it is told. */
async function startValve(id: string): Promise<MqttClient> {
  const client = await bridge.mqtt({ clientId: id });
  const at = (position: unknown) =>
    client.publishAsync(`devices/valve/${id}/telemetry`, JSON.stringify({ position }), { qos: 1 });
  client.on('message', (topic, payload) => {
    client.publish(`devices/valve/${id}/result/${topic.split('/').at(-1)}`, '{"ok": true}');
    void at(JSON.parse(payload.toString()));
  });
  await client.subscribeAsync(`devices/valve/${id}/command/#`, { qos: 1 });
  await at(10);
  return client;
}

const deviceUrl = (id: string): string => `${bridge.httpUrl}/#/device/valve/${id}`;
const card = (page: Page, id: string): Locator => page.locator(`section[aria-labelledby="${id}"]`);

async function ask(page: Page, text: string): Promise<void> {
  await card(page, 'chat').getByLabel('Your question').fill(text);
  await page.keyboard.press('Enter');
}

describe('the dashboard', () => {
  it('shows an answer as text, whatever it holds, and the same after a reload', async () => {
    await startValve('words');
    const { page, problems, frames } = await openPage(browser, deviceUrl('words'));
    await card(page, 'chat').getByRole('button', { name: 'How has position been in the last hour?' }).click();
    const answer = page.getByLabel('Answer', { exact: true });
    await answer.locator('ol li').nth(1).getByText('<img src=x onerror="document.title=1">').waitFor();
    expect(await answer.locator('strong').allTextContents()).toEqual(['fine']);
    expect(await answer.locator('img').count()).toBe(0);
    await page.reload();
    await answer.locator('strong').waitFor();
    expect(await page.getByLabel('You', { exact: true }).allTextContents()).toEqual([
      'How has position been in the last hour?',
    ]);
    await card(page, 'chat').getByRole('button', { name: 'Clear' }).click();
    await page.keyboard.press('Enter'); // the focus is on the button that means it
    await card(page, 'chat').getByRole('button', { name: 'What can you do?' }).waitFor();
    expect(frames.text).toBe(0);
    expect(problems).toEqual([]);
  });

  it('goes on with an answer after a reload in its middle, nothing twice, until it is stopped', async () => {
    await startValve('counts');
    const { page, problems } = await openPage(browser, deviceUrl('counts'));
    await ask(page, 'count');
    const answer = page.getByLabel('Answer', { exact: true });
    await answer.getByText(/\b9 10 11\b/).waitFor();
    await page.reload();
    await answer.getByText(/\b29 30 31\b/).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' });
    const words = ((await answer.textContent()) ?? '').trim().split(/\s+/);
    expect(words).toEqual(words.map((_, index) => `${index}`));
    expect(words.length).toBeLessThan(400);
    expect(problems).toEqual([]);
  });

  it('says by its code why there is no answer, and what to do', async () => {
    await startValve('fails');
    const { page } = await openPage(browser, deviceUrl('fails'));
    await ask(page, 'fail');
    const alert = card(page, 'chat').getByRole('alert');
    await alert.getByText('BRG_MODEL_TIMEOUT').waitFor();
    await alert.getByText('Ask again, or ask for less at once.').waitFor();
  });

  it('asks a person before the valve moves; approved by keyboard, it moves, and the activity says who and why', async () => {
    await startValve('asks');
    const { page, problems } = await openPage(browser, deviceUrl('asks'));
    await ask(page, 'please move to 60');
    const approvals = card(page, 'approvals');
    await approvals.getByText('1 waits for you').waitFor();
    await approvals.getByText('move 60', { exact: true }).waitFor();
    await approvals.getByLabel('Your name').fill('Ada');
    await approvals.getByLabel('Reason (optional)').fill('it is dry');
    await page.keyboard.press('Enter'); // decides nothing: the focus is on Approve now
    await approvals.getByText('1 waits for you').waitFor();
    await page.keyboard.press('Enter');
    await approvals.getByText('Approved by Ada').waitFor();
    await page.getByLabel('Last values', { exact: true }).getByText('60').waitFor();
    await card(page, 'chat').locator('.chat-tool').getByText('done', { exact: true }).waitFor();
    const activity = card(page, 'activity');
    await activity.getByText('yes from Ada: it is dry').waitFor();
    await activity.getByText('command move 60', { exact: true }).waitFor();
    await page.reload();
    expect(await approvals.count()).toBe(0);
    expect(problems).toEqual([]);
  });

  it('shows beside the chat of the fleet what it asked of a device and waits; approved there, the valve moves', async () => {
    await startValve('far');
    const { page, problems } = await openPage(browser, `${bridge.httpUrl}/#/device/fleet/all`);
    await card(page, 'chat').getByRole('button', { name: 'How many are online?' }).click();
    await page
      .getByLabel('Answer', { exact: true })
      .getByText(/of \d+ devices? (?:is|are) online/)
      .waitFor();
    await ask(page, 'move valve/far to 60');
    const approvals = card(page, 'asked-for');
    await approvals.getByRole('link', { name: 'valve/far' }).waitFor();
    await approvals.getByText("move 60 needs a person's approval").waitFor();
    await approvals.getByLabel('Your name').fill('Ada');
    await approvals.getByRole('button', { name: 'Approve' }).click();
    await approvals.waitFor({ state: 'detached' });
    await page.goto(deviceUrl('far'));
    await page.getByLabel('Last values', { exact: true }).getByText('60').waitFor();
    expect(problems).toEqual([]);
  });

  it('shows what an MCP server asks a person, and brings it the answer', async () => {
    await startValve('asked');
    const server = await modernServer();
    const added = await bridge.request('POST', '/api/agents/valve/asked/mcp-servers', {
      name: 'adder',
      url: server.url,
    });
    const { id } = added.body as { id: string }; // the route's schema
    const { page, problems } = await openPage(browser, deviceUrl('asked'));
    const use = { args: [id, 'confirm'] };
    const called = await bridge.request('POST', '/api/agents/valve/asked/call/useServer', use);
    expect(called.body).toEqual({ value: 'waiting' });
    const questions = card(page, 'questions');
    await questions.getByText('Are you sure?').waitFor();
    await questions.getByLabel('sure').selectOption('yes');
    await questions.getByRole('button', { name: 'Answer' }).click();
    await questions.waitFor({ state: 'detached' });
    expect(await bridge.get('/api/agents/valve/asked/mcp-questions')).toEqual({ items: [] });
    expect(problems).toEqual([]);
  });

  it('counts what waits on the fleet page, takes two people, and says who was first', async () => {
    await startValve('two');
    const question = (needed: number) =>
      bridge.request('POST', '/api/agents/valve/two/call/question', {
        args: ['send_command', { command: 'move', value: 90 }, needed],
      });
    await question(2);
    const { page, problems } = await openPage(browser, bridge.httpUrl);
    await card(page, 'waiting').getByText('1 waits for you').waitFor();
    await card(page, 'waiting').getByRole('link').click();
    const approvals = card(page, 'approvals');
    await approvals.getByText('0 of 2 people approved').waitFor();
    await approvals.getByLabel('Your name').fill('Ada');
    await approvals.getByRole('button', { name: 'Approve' }).click();
    await approvals.getByText('1 of 2 people approved: Ada').waitFor();
    const path = '/api/agents/valve/two/approvals';
    const [{ id } = { id: '' }] = (await bridge.get<{ items: { id: string }[] }>(path)).items;
    await bridge.request('POST', `${path}/${id}`, { approved: true, by: 'Bert' });
    await approvals.getByText('Approved by Ada and Bert').waitFor();
    expect(await approvals.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    expect(problems).toEqual([]);
  });
});
