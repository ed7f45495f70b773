/** What must hold for every model in devices/index.ts; a new one is tested the moment it is listed. */
import { encode as encodeCbor } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { definitions } from '../../devices/index.ts';
import {
  checkCommandArgument,
  decodeTelemetry,
  describeDefinition,
  Registry,
  type Command,
  type DeviceDefinition,
  type Metric,
  type MetricValue,
} from '../../src/device/index.ts';
import type { TelemetryOutcome } from '../../src/device/decode.ts';
import { encodePayload } from '../../src/wire/index.ts';

type Values = Record<string, MetricValue>;

const reportedBy = (definition: DeviceDefinition): readonly Metric[] =>
  definition.metrics.filter(({ access }) => access !== 'write');

const json = (value: unknown): Uint8Array => encodePayload(value, 'json');

function valuesOf(outcome: TelemetryOutcome): Values {
  if (outcome.kind === 'rejected') throw new Error(outcome.reason);
  expect(outcome.rejections).toEqual([]);
  expect(outcome.items).toHaveLength(1);
  expect(outcome.items[0]?.unknownKeys).toBe(0);
  return outcome.items[0]?.values ?? {};
}

/** Values of a metric as a device may send them, already on a step of its precision. */
function goodValue(metric: Metric): fc.Arbitrary<MetricValue> {
  switch (metric.kind) {
    case 'numeric': {
      const precision = metric.precision ?? 1;
      const steps = (value: number): number => Math.round(value / precision);
      const min = steps(metric.min ?? -1e6);
      const max = steps(metric.max ?? 1e6);
      return fc
        .integer({ min, max })
        .map((step) => (step / Math.round(1 / Math.min(precision, 1))) * Math.max(precision, 1));
    }
    case 'binary':
      return fc.boolean();
    case 'enumeration':
      return fc.constantFrom(...(metric.values ?? []));
    case 'text':
      return fc.string({ maxLength: Math.floor((metric.bytesMax ?? 0) / 4) });
  }
}

/** Values a metric must never take. */
function badValue(metric: Metric): fc.Arbitrary<unknown> {
  const wrong: fc.Arbitrary<unknown>[] = [fc.constantFrom([1, 2], { a: 1 }, [[]])];
  if (metric.kind !== 'text' && metric.kind !== 'enumeration') wrong.push(fc.string());
  if (metric.kind !== 'numeric') wrong.push(fc.double({ min: 1.5, noNaN: true }));
  else wrong.push(fc.boolean());
  // Filters, because fast-check takes -0 for less than 0.
  const { min, max } = metric;
  if (min !== undefined)
    wrong.push(fc.double({ max: min, noNaN: true, min: -1e300 }).filter((value) => value < min));
  if (max !== undefined)
    wrong.push(fc.double({ min: max, noNaN: true, max: 1e300 }).filter((value) => value > max));
  if (metric.kind === 'enumeration')
    wrong.push(fc.string().filter((word) => metric.values?.includes(word) !== true));
  return fc.oneof(...wrong);
}

function messageOf(definition: DeviceDefinition): fc.Arbitrary<Values> {
  const fields = Object.fromEntries(reportedBy(definition).map((metric) => [metric.name, goodValue(metric)]));
  return fc
    .record(fields, { requiredKeys: [] })
    .map(
      (values) =>
        Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Values,
    ) // just filtered
    .filter((values) => Object.keys(values).length > 0);
}

function goodArgument(command: Command): fc.Arbitrary<MetricValue | null> {
  if (command.argument === null) return fc.constant(null);
  return goodValue({ name: 'argument', access: 'write', ...command.argument });
}

describe('all models', () => {
  it('are at least the five of the contract, each model and each topic once', () => {
    const models = definitions.map(({ model }) => model);
    expect(models).toEqual(
      expect.arrayContaining(['greenhouse', 'thermostat', 'pump', 'energy-meter', 'tracker']),
    );
    expect(new Set(models).size).toBe(models.length);
    expect(() => new Registry(definitions)).not.toThrow();
  });
});

describe.each(definitions.map((definition) => [definition.model, definition] as const))(
  '%s',
  (model, definition) => {
    const metrics = reportedBy(definition);

    it('is found by its topics', () => {
      const registry = new Registry(definitions);
      for (const pattern of describeDefinition(definition).telemetryTopics) {
        const match = registry.matchTopic(pattern.replace('{id}', 'x1'));
        expect(match).toMatchObject({ address: { model, id: 'x1' }, channel: 'telemetry' });
      }
    });

    it('decodes its sample to every metric, within its range, the same from JSON and CBOR', () => {
      const values = valuesOf(decodeTelemetry(definition, json(definition.sample)));
      expect(Object.keys(values).sort()).toEqual(metrics.map(({ name }) => name).sort());
      for (const { name, min = -Infinity, max = Infinity, kind } of metrics) {
        if (kind !== 'numeric') continue;
        expect(values[name]).toBeGreaterThanOrEqual(min);
        expect(values[name]).toBeLessThanOrEqual(max);
      }
      expect(valuesOf(decodeTelemetry(definition, encodePayload(definition.sample, 'cbor')))).toEqual(values);
    });

    it('decodes a message the same by name, letter and integer, in JSON and CBOR', () => {
      fc.assert(
        fc.property(messageOf(definition), (values) => {
          const entries = Object.entries(values);
          const metricOf = (name: string): Metric | undefined =>
            metrics.find((metric) => metric.name === name);
          const byLetter = Object.fromEntries(
            entries.map(([name, value]) => [metricOf(name)?.key ?? name, value]),
          );
          const byInteger = new Map(entries.map(([name, value]) => [metricOf(name)?.cborKey ?? name, value]));
          const payloads = [
            json(values),
            json(byLetter),
            json([values]),
            encodePayload(values, 'cbor'),
            encodePayload(byLetter, 'cbor'),
            encodeCbor(byInteger),
            encodeCbor([byInteger]),
          ];
          for (const payload of payloads)
            expect(valuesOf(decodeTelemetry(definition, payload))).toEqual(values);
        }),
      );
    });

    it('rejects a message with one wrong value, whatever it is, and says which metric', () => {
      const wrong = fc
        .constantFrom(...metrics)
        .chain((metric) => fc.tuple(fc.constant(metric), badValue(metric)));
      fc.assert(
        fc.property(messageOf(definition), wrong, (values, [metric, value]) => {
          for (const payload of [
            json({ ...values, [metric.name]: value }),
            encodeCbor({ ...values, [metric.name]: value }),
          ]) {
            const outcome = decodeTelemetry(definition, payload);
            expect(outcome).toMatchObject({
              kind: 'rejected',
              code: expect.stringMatching(/^BRG_PAYLOAD_(RANGE|SHAPE)$/) as unknown,
            });
            expect(outcome.kind === 'rejected' && outcome.reason).toContain(metric.name);
          }
        }),
      );
    });

    it('never throws, whatever the bytes are, and lets nothing out of its range through', () => {
      const bytes = fc.uint8Array({ maxLength: 64 });
      const nearly = fc
        .tuple(messageOf(definition), fc.nat(), fc.integer({ min: 0, max: 255 }))
        .map(([values, at, byte]) => {
          const payload = Uint8Array.from(at % 2 === 0 ? json(values) : encodeCbor(values));
          payload[at % payload.length] = byte;
          return payload;
        });
      const anything = fc
        .anything({ withNullPrototype: false })
        .map((value) => Buffer.from(JSON.stringify(value) ?? ''));
      fc.assert(
        fc.property(fc.oneof(bytes, nearly, anything), (payload) => {
          const outcome = decodeTelemetry(definition, payload);
          if (outcome.kind === 'rejected') return;
          for (const { name, kind, min = -Infinity, max = Infinity } of metrics) {
            for (const { values } of outcome.items) {
              const value = values[name];
              if (value === undefined || kind !== 'numeric') continue;
              expect(
                typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max,
              ).toBe(true);
            }
          }
        }),
        { numRuns: 500 },
      );
    });

    it('takes good arguments of its commands and refuses the others', () => {
      for (const command of definition.commands) {
        fc.assert(
          fc.property(goodArgument(command), (argument) => {
            expect(checkCommandArgument(command, argument)).toBe(argument);
            expect(checkCommandArgument(command, [argument])).toBe(argument);
            expect(checkCommandArgument(command, { value: argument })).toBe(argument);
          }),
        );
        const bad: Metric | null = command.argument && {
          name: 'argument',
          access: 'write',
          ...command.argument,
        };
        fc.assert(
          fc.property(bad === null ? fc.double() : badValue(bad), (argument) => {
            expect(() => checkCommandArgument(command, argument)).toThrow(
              expect.objectContaining({ code: 'BRG_COMMAND_ARGUMENT' }),
            );
          }),
        );
      }
    });

    it('names no integer key or letter that could be mistaken', () => {
      const keys = metrics.flatMap(({ key, cborKey }) => [key, cborKey]).filter((key) => key !== undefined);
      expect(new Set(keys).size).toBe(keys.length);
    });

    it('describes itself as JSON', () => {
      const description = describeDefinition(definition);
      expect(JSON.parse(JSON.stringify(description))).toEqual(description);
      expect(description.description).not.toBe('');
    });
  },
);

describe('thermostat', () => {
  it('counts the humidity of a sensor beside it, h, as an unknown key', () => {
    const thermostat = new Registry(definitions).get('thermostat');
    const outcome =
      thermostat && decodeTelemetry(thermostat, json({ ts: 1_700_000_000_000, t: 21.5, h: 40 }));
    expect(outcome).toMatchObject({ items: [{ values: { temperature: 21.5 }, unknownKeys: 1 }] });
  });
});
