import fc from 'fast-check';
import { parseRule } from '../../../src/agent/rules/index.ts';
import { DAYS, OPERATORS, type Rule } from '../../../src/agent/rules/rule.ts';
import type { DeviceDefinition, Metric } from '../../../src/device/index.ts';

/** Any rule that a model can have. */
export function rulesOf(definition: DeviceDefinition): fc.Arbitrary<Rule> {
  const metrics = definition.metrics.filter(({ access }) => access !== 'write');
  const amount = fc.integer({ min: -3000, max: 3000 }).map((n) => n / 100);
  const durationMs = fc.oneof(
    fc.integer({ min: 1, max: 90 }).map((n) => n * 1000),
    fc.nat(2e9).map((n) => n + 1),
  );
  const valueOf = (metric: Metric): fc.Arbitrary<unknown> => {
    switch (metric.kind) {
      case 'numeric':
        return fc.integer({ min: 1, max: 99 }).map((n) => {
          const { min = -50, max = 50 } = metric;
          return Number((min + ((max - min) * n) / 100).toFixed(3));
        });
      case 'binary':
        return fc.boolean();
      case 'enumeration':
        return fc.constantFrom(...(metric.values ?? []));
      case 'text':
        return fc.string({ minLength: 1, maxLength: 20 }).filter((text) => text.trim() !== '');
    }
  };
  const back = fc.option(
    fc.integer({ min: 1, max: 50 }).map((n) => n / 100),
    { nil: undefined },
  );
  const conditionOf = (metric: Metric): fc.Arbitrary<Record<string, unknown>> => {
    const of = fc.constant(metric.name);
    const stale = fc.record({ metric: of, staleFor: durationMs });
    const op = fc.constantFrom(...(metric.kind === 'numeric' ? OPERATORS : (['==', '!='] as const)));
    const value = fc.record({ metric: of, op, value: valueOf(metric), hysteresis: back });
    if (metric.kind !== 'numeric') return fc.oneof(stale, value);
    const step = fc.record({ metric: of, op, delta: amount, hysteresis: back });
    const within = fc.record({
      metric: of,
      op: fc.constantFrom('>', '>='),
      delta: amount.map((n) => Math.abs(n) + 1),
      withinMs: durationMs,
      hysteresis: back,
    });
    const fall = within.map((one) => ({ ...one, op: one.op.replace('>', '<'), delta: -one.delta }));
    return fc.oneof(
      stale,
      value,
      step,
      within,
      fall,
      fc.record({ metric: of, op, rate: amount, hysteresis: back }),
    );
  };
  const condition = fc
    .constantFrom(...metrics)
    .chain(conditionOf)
    .map(({ hysteresis, ...rest }) => {
      const isEdge = typeof rest['op'] === 'string' && /[<>]/.test(rest['op']);
      return hysteresis === undefined || !isEdge ? rest : { ...rest, hysteresis };
    });
  const group = fc.array(condition, { minLength: 2, maxLength: 4 });
  const single = condition.map(({ hysteresis, ...when }) => ({
    when,
    ...(hysteresis !== undefined && { hysteresis }),
  }));
  const watch: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
    single,
    group.map((all) => ({ when: { all } })),
    group.map((any) => ({ when: { any } })),
  );
  const time = fc
    .tuple(fc.nat(23), fc.nat(59))
    .map((two) => two.map((n) => String(n).padStart(2, '0')).join(':'));
  const timing = fc.record(
    {
      between: fc.tuple(time, time),
      days: fc.subarray([...DAYS], { minLength: 1 }),
      zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York'),
    },
    { requiredKeys: [] },
  );
  const text = fc.string({ minLength: 1, maxLength: 60 }).filter((one) => one.trim() !== '');
  const commands = definition.commands.flatMap(({ name, argument }): object[] => {
    if (argument === null) return [{ name }];
    if (argument.kind === 'enumeration') return argument.values.map((value) => ({ name, argument: value }));
    return argument.kind === 'numeric'
      ? [
          { name, argument: argument.min ?? 1 },
          { name, argument: argument.max ?? 2 },
        ]
      : [];
  });
  const action = fc.oneof(
    fc.record({ kind: fc.constantFrom('alert', 'notify', 'ask'), text }),
    ...(commands.length === 0
      ? []
      : [fc.constantFrom(...commands).map((one) => ({ kind: 'command', ...one }))]),
  );
  const all = fc.tuple(watch, fc.option(durationMs, { nil: undefined }), timing, action);
  return all.chain(([watched, forMs, times, what]) => {
    const input = { id: 'r', ...watched, ...(forMs !== undefined && { forMs }), ...times, do: what };
    try {
      return fc.constant(parseRule(input, definition));
    } catch {
      return fc.constant(parseRule({ id: 'r', ...plainOf(watched), do: what }, definition));
    }
  });

  /** What goes with a wait or a hysteresis that is too long. */
  function plainOf(watched: Record<string, unknown>): Record<string, unknown> {
    const [first] = metrics;
    const plain = { when: { metric: first?.name, staleFor: 60_000 } };
    try {
      parseRule({ ...watched, do: { kind: 'alert', text: 'x' } }, definition);
      return watched;
    } catch {
      return plain;
    }
  }
}
