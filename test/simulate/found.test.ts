/** What the simulator found, each in the shortest plan that shows it. */
import { expect, test } from 'vitest';
import type { Action, Plan } from './plan.ts';
import type { Program } from './program.ts';
import { simulate } from './simulation.ts';

function planOf(...actions: [atMs: number, action: Action][]): Plan {
  return {
    shards: 1,
    agents: 2,
    idleTimeoutMs: 10_000,
    awakeAgentsMax: 1000,
    agentWaitingMax: 1000,
    turnDeadlineMs: 800,
    latencyMs: 0.3,
    actions: actions.map(([atMs, action]) => ({ atMs, action })),
  };
}

const told = (...steps: Program): Action => ({ kind: 'telemetry', agent: 0, qos: 1, steps });
const requested = (...steps: Program): Extract<Action, { kind: 'request' }> => ({
  kind: 'request',
  agent: 0,
  isDurable: true,
  isCreating: true,
  timeoutMs: 10_000,
  steps,
});
const slow = (factor: number): Action => ({ kind: 'slow', shard: 0, factor, forMs: 2000 });
const attach = { kind: 'attach', agent: 0 } as const;
const frame = (agent: number): Action => ({ kind: 'frame', agent, steps: [] });

/** What is wrong with a plan, whatever else the dice say. */
async function wrongIn(plan: Plan): Promise<string[]> {
  const wrong: string[] = [];
  for (let seed = 1; seed <= 6; seed++) wrong.push(...(await simulate(seed, { plan })).violations);
  return wrong;
}

test('a turn that reads its history commits nothing before it ends: a crash then does it once', async () => {
  const crash = { kind: 'end-at', what: 'shard', shard: 0, step: 'commit', side: 'after' } as const;
  const plan = planOf([50, crash], [60, told({ kind: 'history' }, { kind: 'publish' })]);
  expect(await wrongIn(plan)).toEqual([]);
});

test('a turn of the thought lane that reads its history begins nothing before it ends', async () => {
  const steps: Program = [{ kind: 'later', steps: [] }, { kind: 'history' }];
  expect(await wrongIn(planOf([50, told({ kind: 'later', steps })]))).toEqual([]);
});

test('a message that comes while the bridge stops has its outcome after those before it', async () => {
  const slow = { kind: 'slow', shard: 0, factor: 400, forMs: 2000 } as const;
  expect(await wrongIn(planOf([50, slow], [60, told()], [62, { kind: 'stop' }], [63, told()]))).toEqual([]);
});

test('a frame that is replayed in the next run is not answered to a connection of that run', async () => {
  const kill = { kind: 'end', what: 'process', shard: 0 } as const;
  const plan = planOf(
    [50, told({ kind: 'hang' })],
    [60, frame(0)],
    [100, kill],
    [500, frame(1)],
    [510, frame(1)],
  );
  expect(await wrongIn(plan)).toEqual([]);
});

test('what a turn sends after a wait has the same id at a replay, although another piece ran meanwhile', async () => {
  const steps: Program = [{ kind: 'aside', isEager: true }, { kind: 'wait', ms: 50 }, { kind: 'publish' }];
  const plan = planOf([50, told(...steps)], [300, { kind: 'end', what: 'power', shard: 0 }]);
  expect(await wrongIn(plan)).toEqual([]);
});

test('what comes while a turn that forgot its agent goes on is for the next one, which has the address alone', async () => {
  const forgets = told({ kind: 'forget' }, { kind: 'wait', ms: 60 }, { kind: 'publish' });
  const plan = planOf([50, forgets], [60, told()], [70, frame(0)], [90, told({ kind: 'wait', ms: 100 })]);
  expect(await wrongIn(plan)).toEqual([]);
});

test('a forgotten agent whose messages are replayed does nothing of them again', async () => {
  const slow = { kind: 'telemetry', agent: 1, qos: 1, steps: [{ kind: 'wait', ms: 500 }] } as const;
  const forgets = { ...requested({ kind: 'forget' }), isDurable: false } as const;
  for (const what of ['shard', 'process', 'power'] as const) {
    const crash = { kind: 'end', what, shard: 0 } as const;
    const plan = planOf(
      [50, slow],
      [60, told({ kind: 'publish' })],
      [80, forgets],
      [100, attach],
      [200, crash],
    );
    expect(await wrongIn(plan)).toEqual([]);
  }
});

test('what a forgotten agent still does in its thought lane writes and sends nothing', async () => {
  const thinks: Program = [{ kind: 'wait', ms: 200 }, { kind: 'publish' }];
  const plan = planOf(
    [50, told({ kind: 'later', steps: thinks })],
    [100, told({ kind: 'forget' })],
    [150, told()],
  );
  expect(await wrongIn(plan)).toEqual([]);
});

test('what comes for a forgotten agent while the bridge stops is applied before its end', async () => {
  const forgets = told({ kind: 'forget' }, { kind: 'wait', ms: 100 });
  expect(await wrongIn(planOf([50, forgets], [60, told()], [70, { kind: 'stop' }]))).toEqual([]);
});

test('an agent that a device made by connecting outlives a power loss, with what it was told since', async () => {
  const power = { kind: 'end', what: 'power', shard: 0 } as const;
  const plan = planOf([300, attach], [1000, { ...requested(), isCreating: false }], [1200, power]);
  expect(await wrongIn(plan)).toEqual([]);
});

test('a message whose agent is busy is refused after the outcomes of those before it', async () => {
  const burst = Array.from({ length: 40 }, (_, n): [number, Action] => [60 + 3 * n, told()]);
  const plan = planOf([50, told({ kind: 'wait', ms: 400 })], ...burst);
  expect(await wrongIn({ ...plan, agentWaitingMax: 1, latencyMs: 40 })).toEqual([]);
});

test('no message overtakes one before it that is refused because its agent is busy', async () => {
  const burst = Array.from({ length: 200 }, (_, n): [number, Action] => [60 + n, told()]);
  const plan = planOf([50, told({ kind: 'wait', ms: 100 })], [55, slow(200)], ...burst);
  expect(await wrongIn({ ...plan, agentWaitingMax: 1, latencyMs: 40 })).toEqual([]);
});
