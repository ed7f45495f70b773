import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { Harness } from './harness.ts';

let agent: Harness;
beforeEach(() => {
  agent = Harness.awake();
});

const coded = (code: string): unknown => expect.objectContaining({ code });

describe('keepAlive', () => {
  it('holds until the last release, and forgotten ones for an hour', () => {
    const { keepAlive } = agent.fibers;
    const [first, second] = [keepAlive.hold(), keepAlive.hold()];
    first();
    first();
    expect(agent.fibers.isBusy()).toBe(true);
    second();
    expect(agent.fibers.isBusy()).toBe(false);
    keepAlive.hold();
    agent.nowMs += limits.keepAliveMsMax - 1;
    expect(agent.fibers.isBusy()).toBe(true);
    agent.nowMs += 1;
    expect([agent.fibers.isBusy(), agent.warnings]).toEqual([false, ['keepAlive was not released']]);
  });

  it('refuses more than keepAlivesPerAgentMax holds', () => {
    const { keepAlive } = agent.fibers;
    const releases = Array.from({ length: limits.keepAlivesPerAgentMax }, () => keepAlive.hold());
    expect(() => keepAlive.hold()).toThrow(coded('BRG_FIBERS_FULL'));
    releases[0]?.();
    keepAlive.hold();
  });
});

it('docs/fibers.md states the limits as they are', () => {
  const page = readFileSync(new URL('../../../docs/fibers.md', import.meta.url), 'utf8').replaceAll(
    /\s+/g,
    ' ',
  );
  expect(page).toContain(`at most ${limits.fiberStashBytesMax / 1024} KiB`);
  expect(page).toContain(`${limits.fibersPerAgentMax} fibers that have not ended`);
  expect(page).toContain(`${limits.keepAlivesPerAgentMax} holds`);
  expect(page).toContain(`if it failed, at most ${limits.fibersEndedMax} `);
  expect(page).toContain(`woken within ${limits.jobWatchMs / 1000} s`);
  expect(page).toContain(`at most ${limits.fiberRecoveryMaxMs / 60_000} min`);
  expect([limits.fiberRecoveryBaseMs, limits.fiberInterruptionsMax, limits.keepAliveMsMax]).toEqual([
    1000, // 1, 2, 4 ... s
    5, // five times in a row
    3_600_000, // after an hour
  ]);
});
