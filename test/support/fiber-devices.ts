/**
 * A model whose agent has fibers. Each piece leaves a line in `trace` in the directory FIBERS_DIR, also from
 * another thread or process; a file `go` there lets those go on that wait in the middle.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeviceAgent,
  getCurrentAgent,
  type CommandRecord,
  type DeadJob,
  type FiberContext,
  type FiberInfo,
  type FiberOptions,
  type RecoveredFiber,
  type TelemetryEvent,
} from '../../src/agent/index.ts';
import { command, defineDevice, numeric } from '../../src/device/index.ts';

function file(name: string): string {
  return join(process.env['FIBERS_DIR'] ?? '', name);
}

interface Progress {
  readonly step: number;
}

class Weaver extends DeviceAgent {
  static callables = {
    awaited: {},
    bad: {},
    begin: {},
    cancel: {},
    dead: {},
    die: {},
    end: {},
    fibers: {},
    hold: {},
    holdWhile: {},
    job: {},
    managed: {},
    order: {},
    release: {},
    silent: {},
    thrown: {},
    written: {},
  };

  #release = (): void => undefined;

  /** Weaves in the background. */
  begin(): void {
    void this.runFiber('weave', (context: FiberContext<Progress>) => this.#weave(context));
  }

  managed(options: FiberOptions): string {
    return this.startFiber('weave', (context: FiberContext<Progress>) => this.#weave(context), options);
  }

  /** In the device lane, which waits for it. */
  async awaited(): Promise<unknown> {
    return this.runFiber('awaited', async ({ id }) => {
      await sleep(5);
      await getCurrentAgent<Weaver>().agent?.stash({ id });
      return this.inspectFiber(id)?.snapshot;
    });
  }

  thrown(): never {
    void this.runFiber('never', () => this.#trace('never'));
    throw new Error('taken back');
  }

  silent(): void {
    void this.runFiber('silent', () => sleep(1).then(() => Promise.reject(new Error('nobody looks'))));
  }

  bad(): unknown {
    return this.stash('outside of a fiber');
  }

  /** Synchronous pieces, each with a state of its own. */
  written(): void {
    void this.runFiber('write', async () => {
      for (const x of [1, 2, 3]) {
        this.setState({ x });
        await sleep(1);
      }
      await this.stash('written');
      this.#trace(`written ${String(this.state?.['x'])}`);
    });
  }

  /** Asks the device, and goes on when it has answered. */
  order(): void {
    void this.runFiber('order', ({ wait }) => {
      wait({ cid: this.sendCommand('weave', 3).cid });
      this.#trace('waits');
    });
  }

  override onResult({ cid, value }: CommandRecord): void {
    const waiting = this.listFibers({ status: 'waiting' }) as FiberInfo<{ cid: string }>[]; // as `order` stashed it
    const fiber = waiting.find(({ snapshot }) => snapshot?.cid === cid);
    if (fiber === undefined) return;
    void this.resumeFiber(fiber.id, () => this.#trace(`woven ${String(value)}`));
  }

  job(): void {
    this.queue('traceJob');
  }

  traceJob(): void {
    this.#trace('job');
  }

  fibers(): FiberInfo[] {
    return this.listFibers();
  }

  cancel(id: string): boolean {
    return this.cancelFiber(id);
  }

  dead(): DeadJob[] {
    return this.deadJobs();
  }

  /** Hangs at the first 666: the agent is restarted, and the message handled again. */
  override async onTelemetry({ values }: TelemetryEvent): Promise<void> {
    if (values['x'] !== 666 || existsSync(file('hung'))) return;
    appendFileSync(file('hung'), '');
    await new Promise(() => undefined);
  }

  async hold(): Promise<void> {
    this.#release = await this.keepAlive();
  }

  release(): void {
    this.#release();
  }

  holdWhile(): void {
    void this.keepAliveWhile(() => this.#untilGo(new AbortController().signal));
  }

  end(): Promise<void> {
    return this.destroy();
  }

  /** Ends the shard's thread, a moment after the call was committed. */
  die(): void {
    setTimeout(() => process.exit(3), 5);
  }

  override onFiberRecovered({ name, snapshot, attempt }: RecoveredFiber): void {
    this.#trace(`recovered ${name} ${JSON.stringify(snapshot)} ${attempt}`);
    if (name === 'weave') this.begin();
  }

  override onError(): void {}

  /** Two steps with a wait between them; goes on where it was. */
  async #weave({ snapshot, signal, stash }: FiberContext<Progress>): Promise<void> {
    if (snapshot === null) {
      await stash({ step: 1 });
      this.#trace('step 1');
    }
    await this.#untilGo(signal);
    this.#trace('step 2');
  }

  async #untilGo(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#trace('aborted'));
    while (!existsSync(file('go'))) await sleep(5, undefined, { signal });
  }

  #trace(what: string): void {
    appendFileSync(file('trace'), `${this.name} ${what}\n`);
  }
}

export const definitions = [
  defineDevice({
    model: 'weaver',
    vendor: 'Test',
    description: 'a model with fibers',
    agent: 'weaver',
    metrics: [numeric('x', { min: -1e6, max: 1e6 })],
    commands: [command('weave', { argument: { kind: 'numeric', min: 0, max: 10 } })],
    sample: { x: 1 },
  }),
];
export const agents = { weaver: Weaver };
