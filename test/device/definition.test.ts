import { describe, expect, it } from 'vitest';
import { BridgeError } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import {
  battery,
  binary,
  command,
  defineDevice,
  describeDefinition,
  enumeration,
  numeric,
  position,
  text,
  type DeviceDefinitionInput,
} from '../../src/device/index.ts';

const valve: DeviceDefinitionInput = {
  model: 'valve',
  description: 'a valve',
  metrics: [
    numeric('flow', { unit: 'l/min', min: 0, max: 50, precision: 0.5, key: 'f', cborKey: 0 }),
    enumeration('mode', { values: ['auto', 'manual'], access: 'readwrite' }),
    text('label', { bytesMax: 8 }),
    binary('open', { key: 'o' }),
    battery(),
    numeric('limit', { min: 0, access: 'write' }),
  ],
  commands: [
    command('set-mode', {
      argument: { kind: 'enumeration', values: ['auto', 'manual'] },
      effect: { metric: 'mode', value: 'argument' },
    }),
  ],
  sample: { f: 2.5, mode: 'auto', label: 'north', o: true, battery: 50 },
};

/** The message of the refusal of `valve` with `change`. */
function refusal(change: Record<string, unknown>): string {
  try {
    // Wrong on purpose: authors who write JavaScript get no help from the compiler.
    defineDevice({ ...valve, ...change } as unknown as DeviceDefinitionInput);
  } catch (error) {
    expect(error).toBeInstanceOf(BridgeError);
    expect(error).toMatchObject({ code: 'BRG_DEFINITION' });
    return (error as BridgeError).message; // checked above
  }
  return 'accepted';
}

const metrics = (...extra: unknown[]): Record<string, unknown> => ({ metrics: [...valve.metrics, ...extra] });
const commands = (...list: unknown[]): Record<string, unknown> => ({ commands: list });
const rules = (...list: unknown[]): Record<string, unknown> => ({ rules: list });

describe('defineDevice', () => {
  it('fills in the defaults and freezes everything', () => {
    const definition = defineDevice(valve);
    expect(definition).toMatchObject({ vendor: 'generic', agent: 'device-agent', encoding: null, rules: [] });
    expect(Object.isFrozen(definition.metrics[0])).toBe(true);
    expect(Object.isFrozen(definition.sample)).toBe(true);
    expect(Object.isFrozen(valve.sample)).toBe(false);
  });

  it.each([
    ['a model in capitals', { model: 'Valve' }, 'device "Valve": model is "Valve"; allowed is [a-z0-9-]'],
    ['the model of the bridge itself', { model: 'fleet' }, 'reserved'],
    ['a key with a typing error', { metrcs: [] }, 'unknown key "metrcs"'],
    ['an empty description', { description: ' ' }, 'description is " "'],
    ['an encoding nobody speaks', { encoding: 'xml' }, 'encoding is "xml"; allowed is json or cbor'],
    ['no metrics', { metrics: [] }, 'metrics has 0 entries'],
    [
      'a metric of the envelope',
      metrics(numeric('seq')),
      'metric seq: name "seq" is already used by the envelope',
    ],
    ['a metric named like a method of every object', metrics(numeric('constructor')), 'is "constructor"'],
    ['a metric twice', metrics(numeric('flow')), '"flow" is already used by flow'],
    ['a key of two letters', metrics(numeric('x', { key: 'xy' })), 'key is "xy"; allowed is one letter'],
    ['a key of another metric', metrics(numeric('x', { key: 'f' })), 'key "f" is already used by flow'],
    ['a key that is the name of another metric', metrics(numeric('o')), '"o" is already used by open'],
    [
      'an integer key above 23',
      metrics(numeric('x', { cborKey: 24 })),
      'cborKey is 24; allowed is an integer 0..23',
    ],
    ['an integer key twice', metrics(numeric('x', { cborKey: 0 })), 'cborKey 0 is already used by flow'],
    ['min above max', metrics(numeric('x', { min: 2, max: 1 })), 'min is 2, not below max, 1'],
    ['a bound that is not finite', metrics(numeric('x', { max: Infinity })), 'max is Infinity'],
    ['a precision of 0.3', metrics(numeric('x', { precision: 0.3 })), 'precision is 0.3'],
    ['a negative precision', metrics(numeric('x', { precision: -1 })), 'precision is -1'],
    ['a bound between two steps', metrics(numeric('x', { max: 0.25, precision: 0.1 })), 'not a multiple'],
    ['an unknown kind', metrics({ name: 'x', kind: 'int', access: 'read' }), 'kind is "int"'],
    ['an unknown access', metrics({ name: 'x', kind: 'binary', access: 'rw' }), 'access is "rw"'],
    ['an enumeration of nothing', metrics(enumeration('x', { values: [] })), 'values has 0 entries'],
    ['a word twice', metrics(enumeration('x', { values: ['a', 'a'] })), 'has "a" twice'],
    ['a text without end', metrics(text('x', { bytesMax: 1e9 })), `an integer 1..${limits.textBytesMax}`],
    ['a position that was not spread', metrics(position()), 'write ...position() with three dots'],
    ['a metric that is nothing', metrics(null), 'metrics[6] is null'],
    ['a command in capitals', commands(command('Open')), 'commands[0].name is "Open"'],
    ['a command twice', commands(command('a'), command('a')), 'command a comes twice'],
    [
      'an argument without bounds',
      commands(command('a', { argument: { kind: 'numeric' } as never })),
      'no min or no max',
    ],
    ['an argument of no kind', commands({ name: 'a' }), 'command a: argument is undefined'],
    [
      'an effect on no metric',
      commands(command('a', { effect: { metric: 'x', value: 1 } })),
      'no metric of the model: "x"',
    ],
    [
      'an effect out of range',
      commands(command('a', { effect: { metric: 'flow', value: 51 } })),
      'flow is 51 l/min',
    ],
    [
      'an effect of another kind',
      commands(command('a', { effect: { metric: 'flow', value: 'argument' } })),
      'another kind',
    ],
    ['a topic without an id', { topics: { telemetry: 'acme/valve' } }, 'does not hold `:id` exactly once'],
    ['a topic with a wildcard', { topics: { telemetry: 'acme/+/:id' } }, 'holds a wildcard'],
    ['a topic of the own grammar', { topics: { telemetry: 'devices/x/:id' } }, 'own grammar'],
    ['a topic of the broker', { topics: { telemetry: '$SYS/:id' } }, 'belongs to the broker'],
    ['a rule without an id', rules({ when: {} }), 'rules[0].id is undefined'],
    ['a rule on no metric', rules({ id: 'r', when: { metric: 'x' } }), 'no metric of the model: "x"'],
    [
      'a rule with no command',
      rules({ id: 'r', do: { kind: 'command', name: 'x' } }),
      'no command of the model: "x"',
    ],
    [
      'a rule with a wrong argument',
      rules({ id: 'r', do: { kind: 'command', name: 'set-mode', argument: 'x' } }),
      'allowed is auto | manual',
    ],
    ['a rule with a function', rules({ id: 'r', then: () => 1 }), 'not data'],
    ['a sample out of range', { sample: { ...valve.sample, f: 51 } }, 'sample is refused: flow is 51 l/min'],
    ['a sample with a strange key', { sample: { ...valve.sample, z: 1 } }, '1 keys the model does not know'],
    ['a sample that misses a metric', { sample: { f: 1 } }, 'sample has no mode'],
    ['no sample', { sample: undefined }, 'sample is refused: a map of metrics is expected, not undefined'],
  ])('refuses %s', (_title, change, message) => {
    expect(refusal(change)).toContain(message);
  });

  it('describes itself as JSON, with the topics it may use', () => {
    const definition = defineDevice({ ...valve, topics: { telemetry: 'acme/:id/up' } });
    const description = describeDefinition(definition);
    expect(JSON.parse(JSON.stringify(description))).toEqual(description);
    expect(description.telemetryTopics).toEqual(['devices/valve/{id}/telemetry', 'acme/{id}/up']);
    expect(description.metrics[0]).toMatchObject({
      unit: 'l/min',
      min: 0,
      max: 50,
      precision: 0.5,
      key: 'f',
    });
  });
});
