/** Events, spans and log lines of agents on a real bridge. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  context,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Exception,
  type Span,
  type SpanOptions,
  type SpanStatus,
  type TracerProvider,
} from '@opentelemetry/api';
import { expect, onTestFinished, test } from 'vitest';
import { EVENTS, type AgentEvent, type EventType } from '../../src/base/events.ts';
import { temporaryDir } from '../support/bridge.ts';
import { call, device, start } from '../support/observed-bridge.ts';
import { until } from '../support/until.ts';

/** Everything told from now on. */
function listen(): AgentEvent[] {
  const events: AgentEvent[] = [];
  const listener = (event: unknown): void => void events.push(event as AgentEvent); // told by tell()
  for (const name of Object.keys(EVENTS)) {
    subscribe(`mooring:${name}`, listener);
    onTestFinished(() => void unsubscribe(`mooring:${name}`, listener));
  }
  return events;
}

function told(events: readonly AgentEvent[], type: EventType): Record<string, unknown>[] {
  return events.filter((event) => event.type === type).map(({ payload }) => ({ ...payload }));
}

test('the life of a device is told: it comes, reports, its rule fires, its command fails, it goes', async () => {
  const events = listen();
  const bridge = await start({}, { shard: { idleTimeoutMs: 50 } });
  const publish = await device(bridge, 'a');
  await publish({ x: 500, note: 'secret words' });
  const [failed] = await until(() =>
    told(events, 'command:failed').length > 0 ? told(events, 'command:failed') : undefined,
  );
  await until(() => told(events, 'hibernate').length > 0);
  await bridge.fetch('/api/agents/observed/a', { method: 'DELETE' });
  await until(() => told(events, 'destroy').length > 0);
  const [created] = told(events, 'command:create');
  expect(created).toMatchObject({ command: 'ping', by: 'rule:hot' });
  expect(failed).toMatchObject({ cid: created?.['cid'], command: 'ping', error: 'stuck' });
  expect(told(events, 'rule:fire')).toEqual([{ rule: 'hot', action: 'command', metric: 'x' }]);
  expect(told(events, 'state:update')).toEqual([{ version: 1, source: 'telemetry' }]);
  expect(told(events, 'hibernate')[0]).toMatchObject({ cause: 'idle' });
  const order = events
    .map(({ type }) => type)
    .filter((type) => (EVENTS.lifecycle as readonly string[]).includes(type));
  expect(order.slice(0, 3)).toEqual(['create', 'wake', 'hibernate']);
  expect(events.every(({ agent, name, ts }) => agent === 'observed' && name === 'a' && ts > 1e12)).toBe(true);
  expect(JSON.stringify(events)).not.toContain('secret words');
});

test('calls, messages, connections, jobs and schedules are told, each run of a job once', async () => {
  const events = listen();
  const bridge = await start();
  const socket = await bridge.socket('observed/b');
  await socket.frame('cf_agent_identity');
  expect((await call(bridge, 'b', 'add', 1, 2)).body).toEqual({ value: 3 });
  expect((await call(bridge, 'b', 'fail')).status).toBeGreaterThan(399);
  expect((await call(bridge, 'b', 'nothing')).status).toBeGreaterThan(399);
  expect(told(events, 'rpc')).toMatchObject([{ method: 'add', source: 'api', streaming: false }]);
  expect(told(events, 'rpc:error')).toMatchObject([
    { method: 'fail', code: 'BRG_CALL_FAILED', error: 'not today' },
    { method: 'nothing', code: 'BRG_UNKNOWN_METHOD' },
  ]);
  await call(bridge, 'b', 'work');
  await call(bridge, 'b', 'later');
  await until(() => told(events, 'queue:error').length + told(events, 'schedule:error').length === 2);
  await until(() => told(events, 'queue:done').length + told(events, 'schedule:done').length === 2);
  const count = (type: EventType): number => told(events, type).length;
  expect(EVENTS.queue.map(count)).toEqual([3, 3, 1, 1, 1, 1]);
  expect(EVENTS.schedule.map(count)).toEqual([3, 2, 1, 1, 0, 1]);
  expect(told(events, 'queue:retry')[0]).toMatchObject({ callback: 'fail', attempt: 1, error: 'not today' });
  expect(told(events, 'queue:error')[0]).toMatchObject({ callback: 'fail', attempt: 2, reason: 'failed' });
  socket.socket.send('hello');
  socket.socket.send('{"type":"rpc"}'); // refused: no id
  await until(() => count('disconnect') === 1);
  expect(told(events, 'message:request')).toMatchObject([{ bytes: 5, isText: true }]);
  expect(told(events, 'message:error')).toHaveLength(1);
  expect(told(events, 'connect')).toMatchObject([{ transport: 'websocket', codec: 'json', user: null }]);
  const { connection } = told(events, 'connect')[0] ?? {};
  expect(told(events, 'disconnect')[0]).toMatchObject({ connection });
});

test('a module of devices can subscribe in the thread in which agents run', async () => {
  const file = (process.env['OBSERVED_FILE'] = join(temporaryDir(), 'events'));
  onTestFinished(() => void Reflect.deleteProperty(process.env, 'OBSERVED_FILE'));
  const bridge = await start({ shards: 1 });
  await (
    await device(bridge, 'w')
  )({ x: 1 });
  const lines = (): string[] => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []);
  const [first = ''] = await until(() => (lines().length > 1 ? lines() : undefined));
  expect(JSON.parse(first)).toMatchObject({ isMainThread: false, event: { type: 'create', name: 'w' } });
});

class MemorySpan implements Span {
  readonly name: string;
  readonly attributes: Attributes;
  status: SpanStatus = { code: SpanStatusCode.UNSET };
  readonly exceptions: Exception[] = [];
  ended = 0;

  constructor(name: string, attributes: Attributes) {
    this.name = name;
    this.attributes = attributes;
  }

  spanContext = () => ({ traceId: '1'.repeat(32), spanId: this.name, traceFlags: 1 });
  setAttribute = () => this;
  setAttributes = () => this;
  addEvent = () => this;
  addLink = () => this;
  addLinks = () => this;
  updateName = () => this;
  isRecording = () => true;
  setStatus(status: SpanStatus): this {
    this.status = status;
    return this;
  }
  recordException(exception: Exception): void {
    this.exceptions.push(exception);
  }
  end(): void {
    this.ended++;
  }
}

/** What an OpenTelemetry SDK would register, as far as the API asks for it. */
function registerTracing(): MemorySpan[] {
  const spans: MemorySpan[] = [];
  const startSpan = (name: string, options: SpanOptions = {}): Span => {
    const span = new MemorySpan(name, options.attributes ?? {});
    spans.push(span);
    return span;
  };
  const provider: TracerProvider = {
    getTracer: () => ({
      startSpan,
      startActiveSpan: () => {
        throw new Error('not used');
      },
    }),
  };
  const flow = new AsyncLocalStorage<Context>();
  trace.setGlobalTracerProvider(provider);
  const manager = {
    active: () => flow.getStore() ?? ROOT_CONTEXT,
    with: <A extends unknown[], F extends (...args: A) => ReturnType<F>>(active: Context, fn: F, self?: ThisParameterType<F>, ...args: A) => flow.run(active, () => fn.call(self, ...args)), // prettier-ignore
    bind: <T>(_context: Context, target: T) => target,
    enable: () => manager,
    disable: () => manager,
  };
  context.setGlobalContextManager(manager);
  onTestFinished(() => {
    trace.disable();
    context.disable();
  });
  return spans;
}

test('author code runs in a span with agent and connection, and its errors are recorded; base hooks have none', async () => {
  const spans = registerTracing();
  const bridge = await start();
  const publish = await device(bridge, 's');
  await publish({ x: 1, note: 'throw' });
  const named = (name: string): MemorySpan[] => spans.filter((span) => span.name === name);
  const [telemetry] = await until(() =>
    named('mooring.onError').length > 0 ? named('mooring.onTelemetry') : undefined,
  );
  expect(telemetry).toMatchObject({
    attributes: { 'mooring.agent': 'observed/s', 'mooring.agent.model': 'observed', 'mooring.agent.id': 's' },
    status: { code: SpanStatusCode.ERROR, message: 'no telemetry today' },
    exceptions: [new Error('no telemetry today')],
  });
  // The author's own spans nest in it.
  expect((await call(bridge, 's', 'spanName')).body).toEqual({ value: 'mooring.call spanName' });
  await call(bridge, 's', 'failLater');
  expect(named('mooring.call failLater')[0]).toMatchObject({
    status: { message: 'not today, later' },
    ended: 1,
  });
  await call(bridge, 's', 'work');
  await until(() => named('mooring.job fail').length === 2);
  expect(named('mooring.job ping')).toHaveLength(1);
  const socket = await bridge.socket('observed/s');
  await socket.frame('cf_agent_identity');
  socket.socket.send('hello');
  const message = await until(() => named('mooring.onMessage')[0]);
  expect(message.attributes['mooring.connection']).toMatch(/^\d+$/);
  expect(message.status.code).toBe(SpanStatusCode.UNSET);
  expect(spans.every(({ ended }) => ended === 1)).toBe(true);
  expect(new Set(spans.map(({ name }) => name))).not.toContain('mooring.onConnect'); // not the author's
});

test('every line about an agent carries model/id, those of its author as well', async () => {
  const lines: string[] = [];
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = (line: unknown): boolean => lines.push(String(line)) > 0;
  onTestFinished(() => void (process.stderr.write = write));
  const bridge = await start({ logLevel: 'debug', logFormat: 'pretty' }, { shard: { idleTimeoutMs: 50 } });
  const socket = await bridge.socket('observed/l');
  await socket.frame('cf_agent_identity');
  socket.socket.send('hello');
  await until(() => lines.some((line) => line.includes('agent hibernates')));
  const aboutAgents = lines.filter((line) => /observed\/l|\bagent /.test(line));
  expect(aboutAgents.filter((line) => line.includes('http request'))).toEqual([]);
  expect(aboutAgents.every((line) => line.includes(' agent=observed/l'))).toBe(true);
  expect(aboutAgents.find((line) => line.includes('a line of the author'))).toMatch(
    /WARN .* agent=observed\/l extra=1/,
  );
  for (const words of ['agent woke', 'agent hibernates']) {
    expect(aboutAgents.find((line) => line.includes(words))).toContain(' DEBUG ');
  }
});
