/** What happens to a rule about temperature, step by step. */
export interface Step {
  readonly atMs: number;
  /** null: no message, only an alarm. */
  readonly temperature: number | null;
  readonly tsMs: number | null;
  readonly fires: boolean;
}

/**
 * `60000=20@59000!` reads: received 60000 ms after the start, temperature 20, the device's clock said
 * 59000, the rule fires. `60000=alarm` is an alarm without a message.
 */
export function parseSteps(script: string): Step[] {
  return script.split(' ').map((word) => {
    const match = /^(\d+)=([^@!]+)(?:@(-?\d+))?(!?)$/.exec(word);
    if (match === null) throw new Error(`not a step: ${word}`);
    const [, atMs, value, tsMs, mark] = match;
    const temperature = value === 'alarm' ? null : Number(value);
    return {
      atMs: Number(atMs),
      temperature,
      tsMs: tsMs === undefined ? null : Number(tsMs),
      fires: mark === '!',
    };
  });
}

type RuleJson = Record<string, unknown>;

export const above = (more: RuleJson = {}): RuleJson => value('>', 35, more);

export const stale: RuleJson = { when: { metric: 'temperature', staleFor: 60_000 } };

function value(op: string, threshold: number, more: RuleJson = {}): RuleJson {
  return { when: { metric: 'temperature', op, value: threshold }, ...more };
}

function delta(op: string, amount: number, withinMs?: number): RuleJson {
  return { when: { metric: 'temperature', op, delta: amount, ...(withinMs !== undefined && { withinMs }) } };
}

function rate(op: string, amount: number): RuleJson {
  return { when: { metric: 'temperature', op, rate: amount } };
}

export const scenarios: readonly (readonly [title: string, rule: RuleJson, steps: string])[] = [
  ['fires when a value crosses, once per crossing', above(), '0=35 1=35.1! 2=40 3=35 4=36!'],
  ['fires on the first sample when it is already across', above(), '0=36! 1=36'],
  ['fires at the threshold with >=', value('>=', 35), '0=34.9 1=35! 2=36 3=34.9 4=35!'],
  ['fires below with <', value('<', 5), '0=5 1=4.9! 2=4 3=5 4=4!'],
  ['fires at the threshold with <=', value('<=', 5), '0=5.1 1=5! 2=5.1 3=5!'],
  ['fires once per visit with ==', value('==', 5), '0=5! 1=5 2=6 3=5!'],
  ['fires once per departure with !=', value('!=', 5), '0=5 1=6! 2=7 3=5 4=4!'],
  [
    'fires after 10 s of forMs on the message that comes then',
    above({ forMs: 10_000 }),
    '0=36 9999=36 10000=37! 20000=37',
  ],
  ['starts forMs again after a gap', above({ forMs: 10_000 }), '0=36 5000=35 6000=36 15999=36 16000=36!'],
  [
    'completes forMs on the alarm alone',
    above({ forMs: 10_000 }),
    '0=36 9999=alarm 10000=alarm! 11000=alarm',
  ],
  [
    'fires a hold that had ended before the message that breaks it',
    above({ forMs: 10_000 }),
    '0=36 12000=20! 13000=36 23000=alarm!',
  ],
  [
    'counts forMs by receive time, not by the device clock',
    above({ forMs: 10_000 }),
    '50000=36@0 50001=36@20000 59999=alarm 60000=36@30000!',
  ],
  [
    're-arms only after coming back by the hysteresis',
    above({ hysteresis: 2 }),
    '0=36! 1=34 2=36 3=33.1 4=36 5=33 6=36!',
  ],
  ['has the hysteresis upwards for <', value('<', 5, { hysteresis: 0.1 }), '0=4! 1=5 2=4 3=5.1 4=4!'],
  ['takes 30.3 - 0.1 as 30.2', value('>', 30.3, { hysteresis: 0.1 }), '0=31! 1=30.2 2=31!'],
  [
    'breaks a hold at the threshold, whatever the hysteresis',
    above({ forMs: 10, hysteresis: 5 }),
    '0=36 5=34 6=36 15=36 16=36!',
  ],
  ['compares the change with the sample before', delta('>', 5), '0=20 1=25 2=31! 3=40 4=40 5=46!'],
  ['sees a fall as a negative delta', delta('<=', -5), '0=20 1=26 2=21!'],
  ['takes 20.2 - 20.1 as 0.1', delta('>=', 0.1), '0=20.1 1=20.2!'],
  ['does not take 20.2 - 20.1 as more or less than 0.1', delta('!=', 0.1), '0=20.1 1=20.2 2=20.3 3=20.3!'],
  ['fires on any change with != 0', delta('!=', 0), '0=20 1=20 2=20.1! 3=20.1 4=20!'],
  [
    'finds a rise within the window that no two neighbours have',
    delta('>', 5, 60_000),
    '0=20 20000=22 40000=25 60000=25.1!',
  ],
  [
    'forgets what is older than the window',
    delta('>', 5, 60_000),
    '0=20 30000=23 60001=26 90000=28.1! 200000=40 200001=46!',
  ],
  [
    'measures a fall from the highest of the window',
    delta('<', -5, 60_000),
    '0=20 10000=25 20000=24 30000=19!',
  ],
  [
    'measures a rise from the lowest of the window',
    delta('>=', 5, 60_000),
    '0=20 10000=15 20000=16 30000=20!',
  ],
  [
    'fires on a rate of more than 1 per second',
    rate('>', 1),
    '0=20 10000=30 11000=31.1! 12000=31.1 12500=32!',
  ],
  ['fires on a fall of more than 1 per second', rate('<', -1), '0=20 10000=10 11000=8.9!'],
  [
    'divides by the seconds between device times',
    rate('>', 1),
    '20000=20@0 20001=30@10000 20002=30.2@10100!',
  ],
  [
    'leaves the rate open when no time has passed',
    rate('>', 1),
    '0=20@0 1=70@0 1000=70.5@1000 2000=72@2000!',
  ],
  [
    'fires after staleFor without the metric, and again only after it came',
    stale,
    '0=20 59999=alarm 60000=alarm! 200000=alarm 200001=20 260001=alarm!',
  ],
  ['counts a metric that never came from the first evaluation', stale, '0=alarm 59999=alarm 60000=alarm!'],
  [
    'fires for a silence that had ended before its alarm came',
    stale,
    '0=20 60001=20! 60002=alarm 120001=alarm!',
  ],
  [
    'ignores a late sample',
    above(),
    '0=20@0 1000=21@1000 2000=50@500 3000=36@3000! 4000=10@2500 5000=37@5000',
  ],
  [
    'ignores a late sample for delta',
    delta('>', 5),
    '0=20@0 1000=30@1000! 2000=20@500 3000=30.1@3000 4000=36@4000!',
  ],
  [
    'ignores a late sample for a hold',
    above({ forMs: 5_000 }),
    '0=36@0 1000=36@1000 2000=20@500 5000=alarm!',
  ],
  [
    'ignores a duplicate, so that it neither hides nor repeats a change',
    delta('>', 5),
    '0=20@0 1000=30@1000! 1500=30@1000 2000=36@2000 3000=36@3000 4000=42@4000!',
  ],
  ['takes another value at the same device time as newer', above(), '0=20@0 1=36@0! 2=20@0 3=36@1!'],
  ['does not take a late sample as a sign of life', stale, '30000=20@30000 80000=20@10000 90000=alarm!'],
  [
    'is not locked out by a device clock that was ahead and corrected',
    above(),
    '0=20@9000000000 1000=36@1000!',
  ],
  [
    'accepts a clock that stays set back after 60 s, without a change across it',
    delta('>', 5),
    '0=20@0 30000=30@-9000000000 60000=30@-8999970000 61000=36@-8999969000!',
  ],
  ['measures from a low that came after others', delta('>', 5, 60_000), '0=22 20000=24 40000=20 50000=26!'],
  [
    'starts the window again when the clock was set back',
    delta('>', 5, 60_000),
    '0=20@0 60000=30@-9000000000',
  ],
  ['goes on when the clock of the bridge was set back', above(), '90000=20 1000=36! 1001=20 1002=36!'],
];
