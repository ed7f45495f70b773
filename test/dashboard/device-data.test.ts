import { describe, expect, it } from 'vitest';
import type { ModelDescription } from '../../src/dashboard/api-types.ts';
import { backoffMs } from '../../src/dashboard/backoff.ts';
import { FRAME_LOG_MAX, FrameLog } from '../../src/dashboard/frame-log.ts';
import { fromHex, hexDump } from '../../src/dashboard/hex.ts';
import { firstDraft, operatorsFor, ruleFromDraft } from '../../src/dashboard/rule-draft.ts';
import { applyMergePatch, parsePatch, twinRows } from '../../src/dashboard/twin.ts';
import { rowRange } from '../../src/dashboard/virtual.ts';
import { encodeFrame } from '../../src/wire/index.ts';

describe('twin', () => {
  it('merges as RFC 7396 appendix A', () => {
    const cases: readonly [unknown, unknown, unknown][] = [
      [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
      [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
      [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
      [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
      [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
      [
        ['a', 'b'],
        ['c', 'd'],
        ['c', 'd'],
      ],
      [{ e: null }, { a: 1 }, { e: null, a: 1 }],
      [[1, 2], { a: 'b', c: null }, { a: 'b' }],
      [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    ];
    for (const [target, patch, result] of cases) expect(applyMergePatch(target, patch)).toEqual(result);
  });

  it('keeps a member named __proto__ a member', () => {
    const merged = applyMergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}'));
    expect(Object.keys(merged as object)).toEqual(['__proto__']); // as: an object went in
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined(); // as: to look for what must not be there
  });

  it('puts reported, desired and delta of one path side by side', () => {
    expect(twinRows({ vent: 'closed', net: { rssi: -61 } }, { vent: 'open' }, { vent: 'open' })).toEqual([
      { path: 'net.rssi', reported: -61, desired: undefined, delta: undefined },
      { path: 'vent', reported: 'closed', desired: 'open', delta: 'open' },
    ]);
    expect(twinRows(null, undefined, {})).toEqual([]);
  });

  it('says what is wrong with a patch', () => {
    expect(parsePatch('{"target": 21}')).toEqual({ kind: 'patch', patch: { target: 21 } });
    for (const text of ['', '{', '[]', '21', 'null', '{}']) expect(parsePatch(text).kind).toBe('invalid');
  });
});

describe('rule drafts', () => {
  const model: ModelDescription = {
    model: 'pump',
    kind: 'device',
    vendor: '',
    description: '',
    metrics: [
      { name: 'vibration', kind: 'numeric', unit: 'mm/s', access: 'read' },
      { name: 'running', kind: 'binary', access: 'read' },
    ],
    commands: [
      { name: 'stop', argument: null },
      { name: 'speed', argument: { kind: 'numeric', min: 0, max: 6000 } },
    ],
  };
  const draft = firstDraft(model);

  it('makes an alert with duration and hysteresis', () => {
    const typed = { ...draft, value: '9', forSeconds: '5', hysteresis: '0.5', text: ' Shaking ' };
    expect(ruleFromDraft(typed, model)).toEqual({
      kind: 'rule',
      rule: {
        when: { metric: 'vibration', op: '>', value: 9 },
        forMs: 5000,
        hysteresis: 0.5,
        do: { kind: 'alert', text: 'Shaking' },
      },
    });
  });

  it('makes a command, with a typed argument or without one', () => {
    const typed = { ...draft, metric: 'running', op: '==', value: 'true', action: 'command' } as const;
    expect(ruleFromDraft({ ...typed, command: 'stop' }, model)).toMatchObject({
      rule: { when: { value: true }, do: { kind: 'command', name: 'stop' } },
    });
    expect(ruleFromDraft({ ...typed, command: 'speed', argument: '1500' }, model)).toMatchObject({
      rule: { do: { kind: 'command', name: 'speed', argument: 1500 } },
    });
    expect(ruleFromDraft({ ...typed, command: 'speed', argument: 'fast' }, model).kind).toBe('invalid');
  });

  it('makes a silence rule', () => {
    expect(
      ruleFromDraft({ ...draft, condition: 'staleFor', staleSeconds: '60', text: 'Gone' }, model),
    ).toMatchObject({
      rule: { when: { metric: 'vibration', staleFor: 60_000 } },
    });
  });

  it('refuses what is missing', () => {
    expect(ruleFromDraft({ ...draft, text: 'x' }, model).kind).toBe('invalid');
    expect(ruleFromDraft({ ...draft, value: '9' }, model).kind).toBe('invalid');
    expect(ruleFromDraft({ ...draft, value: '9', text: 'x', forSeconds: '-1' }, model).kind).toBe('invalid');
    expect(ruleFromDraft({ ...draft, value: '9', text: 'x', metric: 'colour' }, model).kind).toBe('invalid');
  });

  it('offers an order only for numbers', () => {
    expect(operatorsFor('numeric')).toContain('>=');
    expect(operatorsFor('binary')).toEqual(['==', '!=']);
  });
});

describe('frames log', () => {
  it(`keeps the last ${FRAME_LOG_MAX} frames, newest first, and counts all`, () => {
    const log = new FrameLog();
    const frame = {
      type: 'mooring_telemetry',
      ts: 1_700_000_000_000,
      values: { temperature: 21.5 },
    } as const;
    const bytes = encodeFrame(frame, 'cbor');
    for (let n = 0; n < FRAME_LOG_MAX + 50; n++) log.add(frame, bytes, n);
    expect(log.frames).toHaveLength(FRAME_LOG_MAX);
    expect(log.frames[0]?.n).toBe(FRAME_LOG_MAX + 50);
    expect(log.totals.count).toBe(FRAME_LOG_MAX + 50);
    expect(log.totals.bytes).toBeLessThan(log.totals.jsonBytes);
  });

  it('gives a new array after each frame, so that a paused list stays as it was', () => {
    const log = new FrameLog();
    const frame = { type: 'cf_agent_identity', name: 'g1', agent: 'greenhouse' } as const;
    log.add(frame, encodeFrame(frame, 'cbor'), 0);
    const paused = log.frames;
    log.add(frame, encodeFrame(frame, 'cbor'), 1);
    expect(paused).toHaveLength(1);
  });
});

describe('hex', () => {
  it('dumps 16 bytes a line with offset and printable text', () => {
    const lines = hexDump(new TextEncoder().encode('0123456789abcdef!\n'));
    expect(lines.map((line) => line.offset)).toEqual(['0000', '0010']);
    expect(lines[1]).toMatchObject({ hex: '21 0a', text: '!·' });
  });

  it('reads hex back and refuses what is none', () => {
    expect(fromHex('a10D')).toEqual(Uint8Array.of(0xa1, 0x0d));
    expect(fromHex('a1d')).toBeNull();
    expect(fromHex('zz')).toBeNull();
  });
});

describe('row range', () => {
  it('covers the view and a few rows around it', () => {
    const range = rowRange(10_000, 44, -44_000, 880);
    expect(range.first).toBeLessThanOrEqual(1000);
    expect(range.end).toBeGreaterThanOrEqual(1020);
    expect(range.end - range.first).toBeLessThan(60);
  });

  it('stays inside the rows there are', () => {
    expect(rowRange(3, 44, 300, 880)).toEqual({ first: 0, end: 3 });
    expect(rowRange(0, 44, 300, 880)).toEqual({ first: 0, end: 0 });
    const past = rowRange(5, 44, -10_000, 880);
    expect(past.first).toBeLessThan(5);
    expect(past.end).toBeGreaterThanOrEqual(past.first);
  });
});

describe('backoff', () => {
  it('doubles up to 15 s and never waits less than half of it', () => {
    expect(backoffMs(0, 0)).toBe(250);
    expect(backoffMs(1, 0.999)).toBeGreaterThan(990);
    expect(backoffMs(50, 0)).toBe(7500);
    expect(backoffMs(50, 0.999)).toBeLessThanOrEqual(15_000);
  });
});
