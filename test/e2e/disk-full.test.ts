/** A full disk, made with a small tmpfs: the kernel's own ENOSPC. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { startBridge, type BridgeProcess } from './bridge-process.ts';
import { TelemetryStream } from './telemetry-stream.ts';
import { until } from '../support/until.ts';

/** Less than the journal's WAL grows to before its first checkpoint: there are no pages to reuse. */
const DISK_BYTES = 12 * 1024 * 1024;
const BALLAST_CHUNK = Buffer.alloc(4096, 1);

/** A mounted tmpfs of DISK_BYTES, unmounted when the test ends; or why there is none. */
function smallDisk(): { dir: string } | { reason: string } {
  const dir = mkdtempSync(join(tmpdir(), 'mooring-small-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', dir], { stdio: 'pipe' });
  } catch (error) {
    rmdirSync(dir);
    const why = error instanceof Error ? error.message.trim().replaceAll('\n', ' ') : String(error);
    return { reason: `needs a small disk, and mounting a tmpfs is not permitted here (run as root): ${why}` };
  }
  onTestFinished(() => {
    execFileSync('umount', ['--lazy', dir]);
    rmdirSync(dir);
  });
  return { dir };
}

/** Writes until the disk has no room left. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (;;) writeSync(file, BALLAST_CHUNK);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    closeSync(file);
  }
}

async function readiness(bridge: BridgeProcess): Promise<string> {
  const { status, body } = await bridge.request('GET', '/readyz');
  return `${status} ${(body as { status: string }).status}`; // an answer of the gateway always has it
}

/** Waits until the bridge has tried that many times to write on its full disk. */
async function untilRetried(bridge: BridgeProcess, times: number): Promise<void> {
  const { body } = await bridge.request('GET', '/readyz');
  const { sinceMs } = body as { sinceMs: number }; // of disk-full
  await until(() => Date.now() > sinceMs + times * limits.diskRetryMs, `${times} retries`);
}

interface FullDisk {
  readonly bridge: BridgeProcess;
  readonly dataDir: string;
  readonly devices: readonly TelemetryStream[];
  makeRoom(): void;
}

/** A bridge whose disk ran full in the middle of two streams. */
async function runIntoFullDisk(context: TestContext): Promise<FullDisk> {
  const disk = smallDisk();
  if ('reason' in disk) {
    console.warn(`the full disk was NOT tested: ${disk.reason}`); // the reporter hides reasons of skips
    return context.skip(disk.reason);
  }
  const ballast = join(disk.dir, 'ballast');
  const dataDir = join(disk.dir, 'data');
  const bridge = await startBridge(dataDir);
  const devices = ['d1', 'd2'].map((id) => new TelemetryStream(id, { boot: 'boot-1' }));
  for (const device of devices) await device.connect(bridge);
  for (const device of devices) device.stream();
  await until(() => devices.every(({ acked }) => acked.size > 50), 'the stream to run');
  fill(ballast);
  await until(async () => (await readiness(bridge)) === '503 disk-full', 'readiness to fail');
  await untilRetried(bridge, 1); // by now PUBACKs of before have been read
  return { bridge, dataDir, devices, makeRoom: () => rmSync(ballast) };
}

async function expectAllAppliedOnce(bridge: BridgeProcess, device: TelemetryStream): Promise<void> {
  expect(device.acked.size).toBe(device.sent);
  const applied = await until(async () => {
    const seen = await device.applied(bridge);
    return seen.applied >= device.sent ? seen : null;
  }, `${device.id} to have all applied`);
  const { sent } = device;
  expect(applied).toMatchObject({ applied: sent, historyCount: sent, last: sent - 1, isInOrder: true });
}

describe('a full disk', () => {
  it('ends PUBACKs and readiness, and when there is room all goes on with nothing lost', async (context) => {
    const { bridge, devices, makeRoom } = await runIntoFullDisk(context);
    const ackedWhenFull = devices.map(({ acked }) => acked.size);
    await untilRetried(bridge, 3);
    expect(devices.map(({ acked }) => acked.size)).toEqual(ackedWhenFull);
    expect(await readiness(bridge)).toBe('503 disk-full');
    expect(await bridge.metric('mooring_ready')).toBe(0);
    expect(devices.every(({ inFlight }) => inFlight > 0)).toBe(true);
    expect(bridge.isRunning).toBe(true);
    expect((await bridge.request('GET', '/healthz')).status).toBe(200);
    // Who asks hears at once what is the matter instead of waiting behind it.
    expect((await bridge.request('GET', '/api/agents')).status).toBe(507);

    makeRoom();
    await until(async () => (await readiness(bridge)) === '200 ready', 'it to be ready again');
    for (const device of devices) {
      await device.drained();
      await expectAllAppliedOnce(bridge, device);
      expect((await device.applied(bridge)).duplicates).toBe(0);
    }
    expect((await bridge.end('SIGTERM')).code).toBe(0);
  }, 30_000);

  it('and a kill -9 lose nothing that was PUBACKed', async (context) => {
    const { bridge, dataDir, devices, makeRoom } = await runIntoFullDisk(context);
    await bridge.end('SIGKILL');
    makeRoom();
    const restarted = await startBridge(dataDir);
    for (const device of devices) {
      // One connection is journaled in order: what is applied is everything up to some message.
      const { applied, last } = await device.applied(restarted);
      expect(applied).toBeGreaterThanOrEqual(device.acked.size);
      expect(last).toBe(applied - 1);
      await device.connect(restarted);
      await device.resend(device.unacked);
      await expectAllAppliedOnce(restarted, device);
    }
  }, 30_000);
});
