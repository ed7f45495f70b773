/** Debian's Chromium, driven by playwright-core. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** What a test without a browser says. */
export const NO_BROWSER = `needs a browser: none of ${NAMES.join(', ')} is in PATH (apt-get install chromium)`;

/** The first browser in PATH. */
export function findBrowser(): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return NAMES.flatMap((name) => directories.map((directory) => join(directory, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function launchBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    // No sandbox: tests may run as root, and the page is our own. The rest keeps it off the network.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A page with everything it should not have done. */
export interface WatchedPage {
  readonly page: Page;
  /** Console errors and warnings, exceptions, failed requests, CSP violations. */
  readonly problems: string[];
  readonly frames: { binary: number; text: number };
}

/** Runs in the page before its scripts: violations are shown on the console, long tasks kept. */
const WATCH = `
  document.addEventListener('securitypolicyviolation', (event) =>
    console.error('CSP: ' + event.violatedDirective + ' blocked ' + event.blockedURI));
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.longTasks.push(entry.duration);
  }).observe({ type: 'longtask', buffered: true });
`;

/** Opens a page that is closed when the test ends. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  onTestFinished(() => context.close());
  await context.addInitScript(WATCH);
  const page = await context.newPage();
  const problems: string[] = [];
  const frames = { binary: 0, text: 0 };
  const count = ({ payload }: { payload: string | Buffer }): void =>
    void (typeof payload === 'string' ? frames.text++ : frames.binary++);
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('requestfailed', (request) => {
    const failure = request.failure()?.errorText ?? '';
    // The page takes back what it no longer needs, e.g. history of a range left for another.
    if (failure !== 'net::ERR_ABORTED') problems.push(`${request.url()} ${failure}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.url()} answered ${response.status()}`);
  });
  page.on('websocket', (socket) => {
    socket.on('framereceived', count);
    socket.on('framesent', count);
  });
  await page.goto(url);
  return { page, problems, frames };
}
