/** The API of a measured bridge. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Subject } from './subject.ts';

const POLL_MS = 250;

/** Asks one route. @throws Error with the answer when it is no 2xx */
export async function ask(subject: Subject, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${subject.httpUrl}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>; // every answer of the API is an object
}

/** Calls a method of an agent. */
export async function call(
  subject: Subject,
  agent: string,
  method: string,
  ...args: unknown[]
): Promise<unknown> {
  return (await ask(subject, `/api/agents/${agent}/call/${method}`, { args }))['value'];
}

/** Waits until the numbers of `GET /api/stats` hold. @throws Error after `deadlineMs` */
export async function statsHold(
  subject: Subject,
  holds: (stats: Readonly<Record<string, number>>) => boolean,
  deadlineMs: number,
): Promise<void> {
  const giveUpMs = Date.now() + deadlineMs;
  for (;;) {
    const stats = (await ask(subject, '/api/stats')) as Record<string, number>; // the route's schema
    if (holds(stats)) return;
    if (Date.now() > giveUpMs) throw new Error(`after ${deadlineMs} ms still ${JSON.stringify(stats)}`);
    await sleep(POLL_MS);
  }
}
