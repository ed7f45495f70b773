import { expect, test } from 'vitest';
import { ConnectionTable } from '../../src/actor/connections.ts';
import { limits } from '../../src/base/limits.ts';

const body = { transport: 'websocket', codec: 'cbor', uri: '/agents/pump/p1', user: null } as const;

test('a connection is found by its id and by its agent until it closes', () => {
  const table = new ConnectionTable();
  const first = table.open(1, 'pump/p1', body);
  const second = table.open(2, 'pump/p1', body);
  expect(table.of('pump/p1')).toEqual([first, second]);
  expect(first).toMatchObject({
    id: 1,
    codec: 'cbor',
    isCodecChosen: true,
    address: { model: 'pump', id: 'p1' },
  });
  expect(table.close(1)).toBe(first);
  expect(table.of('pump/p1')).toEqual([second]);
  expect(table.get(1, 'pump/p1')).toBe(first); // its close is still to be handled
  table.forget(1);
  expect([table.get(1, 'pump/p1'), table.close(1), table.size]).toEqual([undefined, undefined, 1]);
});

test('an agent does not find the connection of another one', () => {
  const table = new ConnectionTable();
  table.open(1, 'pump/p1', body);
  expect(table.get(1, 'pump/p2')).toBeUndefined();
});

test('a connection introduced twice is one connection', () => {
  const table = new ConnectionTable();
  const first = table.open(1, 'pump/p1', body);
  expect(table.open(1, 'pump/p1', body)).toBe(first);
  expect(table.of('pump/p1')).toEqual([first]);
});

test(`an agent has at most ${limits.connectionsPerAgentMax} connections`, () => {
  const table = new ConnectionTable();
  for (let id = 1; id <= limits.connectionsPerAgentMax; id++) table.open(id, 'pump/p1', body);
  expect(table.open(0, 'pump/p1', body)).toBeUndefined();
  expect(table.open(0, 'pump/p2', { ...body, codec: null })).toMatchObject({
    codec: 'json',
    isCodecChosen: false,
  });
});

test('several MQTT connections may speak for a device', () => {
  const table = new ConnectionTable();
  table.attachDevice('pump/p1', 7);
  table.attachDevice('pump/p1', 8);
  table.attachDevice('pump/p1', 8);
  expect(table.devicesOf('pump/p1')).toEqual([7, 8]);
  table.detachDevice('pump/p1', 7);
  table.detachDevice('pump/p1', 99);
  expect(table.devicesOf('pump/p1')).toEqual([8]);
  table.detachDevice('pump/p1', 8);
  expect(table.devicesOf('pump/p1')).toEqual([]);
});
