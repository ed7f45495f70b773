/**
 * Takes docs/dashboard.png: the fleet page of the demo, with its devices live.
 *
 *   node scripts/take-picture.ts [file] [--page '#/device/pump/002'] [--dark] [--width 390] [--wait 45]
 *
 * Needs Debian's Chromium in PATH.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const root = resolve(import.meta.dirname, '..');
/** Beside a text it is loaded by everybody who reads it. */
const BYTES_MAX = 300_000;
/** The same devices and values each time; what differs is time. */
const SEED = 7;

function findBrowser(): string {
  const places = (process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, 'chromium'));
  const found = places.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error('chromium is not in PATH (apt-get install chromium)');
  return found;
}

/** Starts the demo on free ports; resolves with its address. */
async function startDemo(): Promise<{ url: string; stop: () => void }> {
  const ports = ['--http-port', '0', '--mqtt-port', '0'];
  const args = [join(root, 'firmware-sim/demo.ts'), '--json', '--seed', `${SEED}`, ...ports];
  const demo = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: demo.stdout })) {
    const event = JSON.parse(line) as { event?: string; dashboard?: string }; // of the demo
    if (event.event !== 'start' || event.dashboard === undefined) continue;
    demo.stdout.resume();
    return { url: event.dashboard, stop: () => demo.kill('SIGINT') };
  }
  throw new Error('the demo ended before it was ready');
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    page: { type: 'string', default: '' },
    dark: { type: 'boolean', default: false },
    width: { type: 'string', default: '1440' },
    wait: { type: 'string', default: '45' },
  },
});
const file = resolve(positionals[0] ?? join(root, 'docs/dashboard.png'));
const demo = await startDemo();
const browser = await chromium.launch({
  executablePath: findBrowser(),
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const page = await browser.newPage({
    viewport: { width: Number(values.width), height: 900 },
    colorScheme: values.dark ? 'dark' : 'light',
  });
  await page.goto(`${demo.url}/${values.page}`);
  // Charts and trends need some values, and somebody falls asleep.
  await sleep(Number(values.wait) * 1000);
  await page.screenshot({ path: file });
  const bytes = statSync(file).size;
  process.stdout.write(`${file}: ${bytes} bytes\n`);
  if (bytes > BYTES_MAX) process.exitCode = 1;
} finally {
  await browser.close();
  demo.stop();
}
