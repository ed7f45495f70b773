import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { definitions } from '../../devices/index.ts';
import { startBroker, until } from './broker.ts';

const MAIN = fileURLToPath(new URL('../../firmware-sim/main.ts', import.meta.url));

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  stdout(): string;
  interrupt(): void;
  readonly finished: Promise<Finished>;
}

function start(args: readonly string[], input = ''): Running {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, NO_COLOR: '1' } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(input);
  return {
    stdout: () => stdout,
    interrupt: () => child.kill('SIGINT'),
    finished: new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr }))),
  };
}

async function run(args: readonly string[], input = ''): Promise<Finished> {
  return start(args, input).finished;
}

interface NdjsonEvent {
  readonly event: string;
  readonly [fact: string]: unknown;
}

function ndjson(text: string): NdjsonEvent[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as NdjsonEvent); // the simulator's own format
}

describe('sim', () => {
  it.each([[['run', '--help']], [['device', '--help']], [['list', '--help']], [['--help']]])(
    'explains itself with examples: %j',
    async (args) => {
      const { code, stdout } = await run(args);
      expect(code).toBe(0);
      expect(stdout).toContain('npm run sim --');
    },
  );

  it.each([
    [['run', '--bogus'], '--bogus'],
    [['run', '--models', 'toaster'], "no model 'toaster'"],
    [['run', '--duration', 'long'], '--duration long'],
    [['run', '--rate', '-1'], '--rate'],
    [['run', '--broker', 'http://x'], 'mqtt://'],
    [['fly'], "no subcommand 'fly'"],
    [['device'], 'which model'],
  ])('exits with 2 and says what is wrong: %j', async (args, reason) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain('    at ');
  });

  it('exits with 3 and names the reason when there is no broker', async () => {
    const { code, stderr } = await run(['run', '--broker', 'mqtt://127.0.0.1:1', '--duration', '300ms']);
    expect(code).toBe(3);
    expect(stderr).toContain('ECONNREFUSED');
    expect(stderr).toMatch(/seed \d+/);
  });

  it('lists every model as text and as JSON', async () => {
    const [text, json] = await Promise.all([run(['list']), run(['list', '--json'])]);
    const models = (JSON.parse(json.stdout) as { model: string }[]).map(({ model }) => model); // its own format
    expect(models).toEqual(definitions.map(({ model }) => model));
    for (const model of models) expect(text.stdout).toContain(model);
  });
});

describe('sim run', () => {
  it('ends by itself with a summary, as NDJSON too, and exit code 0', async () => {
    await using broker = await startBroker();
    const args = ['run', '--broker', broker.url, '--devices', '1', '--rate', '20', '--duration', '1500ms'];
    const [text, json] = await Promise.all([
      run(args),
      run([...args, '--json', '--seed', '7', '--prefix', 'b-']),
    ]);
    expect([text.code, json.code]).toEqual([0, 0]);
    expect(text.stdout).toContain('devices online');
    expect(text.stdout).not.toContain('\u001b[');
    const events = ndjson(json.stdout);
    expect(events[0]).toMatchObject({ event: 'start', seed: 7, devices: definitions.length });
    expect(events.at(-1)).toMatchObject({ event: 'summary', ok: true, pending: 0, dropped: 0 });
    expect(events.at(-1)?.acked).toBe(
      broker.on('/telemetry').filter(({ topic }) => topic.includes('/b-')).length,
    );
  });

  it('exits with 1 and the line that repeats the run when messages were not acknowledged', async () => {
    await using broker = await startBroker();
    const running = start([
      'run',
      '--broker',
      broker.url,
      '--devices',
      '2',
      '--ramp',
      '0.1',
      '--duration',
      '500ms',
    ]);
    const { code, stderr } = await running.finished;
    expect(code).toBe(1);
    expect(stderr).toMatch(/Repeat with: npm run sim -- run .*--seed \d+/);
  });

  it('exits with 130 and a summary on Ctrl-C', async () => {
    await using broker = await startBroker();
    const running = start(['run', '--broker', broker.url, '--devices', '1', '--json']);
    await until('a device is online', () => running.stdout().includes('"online"'));
    running.interrupt();
    const { code, stdout } = await running.finished;
    expect(code).toBe(130);
    expect(ndjson(stdout).at(-1)).toMatchObject({ event: 'summary', interrupted: true });
  });
});

describe('sim device', () => {
  it('obeys a script from a pipe and shows commands as they arrive', async () => {
    await using broker = await startBroker();
    const script = 'set temperature 39\nset temperature 390\nset colour red\nwait 1s\nstatus\nquit\n';
    const running = start(
      ['device', 'greenhouse', '--id', 'g7', '--broker', broker.url, '--rate', '0'],
      script,
    );
    await until('it is online', () => running.stdout().includes('is online'));
    await broker.publish('devices/greenhouse/g7/command/vent/c1', '"open"');
    const { code, stdout } = await running.finished;
    expect(code).toBe(0);
    expect(stdout).toContain('command vent "open" (c1) -> {"ok":true,"value":"open"}');
    expect(stdout).toMatch(/temperature is 390/);
    expect(stdout).toMatch(/is no metric of greenhouse/);
    expect(stdout).toMatch(/readings .*"temperature":39/);
    expect(stdout).toContain('"vent":"open"');
  });
});
