import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { channels, EVENTS, tell, type AgentEvent, type EventType } from '../../src/base/events.ts';
import { readSources, root } from '../source-graph.ts';

const names = Object.keys(EVENTS) as (keyof typeof EVENTS)[]; // its own keys
const types = Object.values(EVENTS).flat() as EventType[]; // its own values
const source = { address: { model: 'pump', id: 'p1' }, now: () => 7 };

function heard(name: string): AgentEvent[] {
  const events: AgentEvent[] = [];
  const listener = (event: unknown): void => void events.push(event as AgentEvent); // told by tell()
  subscribe(name, listener);
  onTestFinished(() => void unsubscribe(name, listener));
  return events;
}

test('each type is told on the channel that lists it, with model, name and time, and on no other', () => {
  const byName = new Map(names.map((name) => [name, heard(`mooring:${name}`)]));
  for (const type of types) tell(type, source, {} as never); // any payload will do
  for (const name of names) {
    expect(byName.get(name)?.map(({ type }) => type)).toEqual(EVENTS[name]);
  }
  expect(byName.get('lifecycle')?.[0]).toEqual({
    type: 'create',
    agent: 'pump',
    name: 'p1',
    ts: 7,
    payload: {},
  });
  expect(new Set(types).size).toBe(types.length);
});

test('a channel has subscribers only while somebody has subscribed', () => {
  for (const name of names) expect([name, channels[name].hasSubscribers]).toEqual([name, false]);
  const listener = (): void => undefined;
  subscribe('mooring:rpc', listener);
  expect([channels.rpc.hasSubscribers, channels.state.hasSubscribers]).toEqual([true, false]);
  unsubscribe('mooring:rpc', listener);
  expect(channels.rpc.hasSubscribers).toBe(false);
});

test('every type is told somewhere in the program, and listed in docs/observability.md', () => {
  const program = readSources(['src'])
    .filter(({ path }) => path !== 'src/base/events.ts')
    .map(({ path }) => readFileSync(join(root, path), 'utf8'))
    .join('\n');
  const document = readFileSync(join(root, 'docs/observability.md'), 'utf8');
  const jobTypes = /^(?:schedule|queue):(execute|done|retry|error)$/;
  const untold = types.filter((type) => {
    const [, ofJob] = jobTypes.exec(type) ?? [];
    // The runner of jobs is one for both kinds.
    return !program.includes(ofJob === undefined ? `'${type}'` : `source}:${ofJob}\``);
  });
  expect(untold).toEqual([]);
  expect(types.filter((type) => !document.includes(`\`${type}\``))).toEqual([]);
});
