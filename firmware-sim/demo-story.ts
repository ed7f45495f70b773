/**
 * The story of the demo: a bearing wears out, a rule wakes the pump's agent, its model writes a program that compares
 * ten pumps and asks to stop this one, a person approves, the pump stops, and only then does the chat say that it is done.
 * `checkStory` plays the person too, over HTTP, and holds every link of the chain; `tellStory` waits for somebody at the
 * dashboard.
 */
import type { AskedApproval, BridgeApi } from './bridge-api.ts';
import { deviceName, eventually } from './demo-scene.ts';
import { OPENING, QUESTION } from './script.ts';
import type { SimulatedDevice } from './simulated-device.ts';
import type { Check } from './summary.ts';

/** Above the pump's usual 2.5 mm/s, and reached while the bearing wears: ISO 10816 class II, "unsatisfactory". */
const VIBRATION_ALARMING = 7.1;
/** Simulated seconds until the bearing is at its worst. */
const WEAR_QUICK_S = 30;
const WEAR_S = 600;
const QUIET_MS = 10_000;
const ADMIRE_MS = 45_000;
const POLL_MS = 500;
const NAME = 'the story of a pump';
const PERSON = 'the demo';
const REASON = 'it shakes alone';

/** What the last message of the chat says that it came to; the opening words are not part of that. */
async function conclusionOf(api: BridgeApi, agent: string): Promise<string> {
  const said = await api.lastAnswer(agent);
  return said.startsWith(OPENING.trim()) ? said.slice(OPENING.trim().length).trim() : '';
}

/** Plays the whole story, the person included. */
export async function checkStory(pump: SimulatedDevice, api: BridgeApi): Promise<Check> {
  const agent = deviceName(pump);
  const broken: string[] = [];
  const expect = (held: boolean, what: string): void => void (held || broken.push(what));
  await watchFor(pump, api);
  const sinceMs = Date.now();
  pump.wear.begin('bearing', WEAR_QUICK_S);
  let asked: AskedApproval | undefined;
  await eventually(async () => {
    pump.measure(); // whatever the rate of the demo
    return (asked = await pendingSince(api, agent, sinceMs)) !== undefined;
  });
  if (asked === undefined) return { name: NAME, held: false, detail: `${agent}: nobody was asked` };
  const program = asked.run === null ? '' : await api.programText(agent, asked.run);
  expect(program.includes('read_peer_history'), 'the program is not there to be read');
  expect(pump.readings().running === true, 'the pump stopped before anybody approved');
  expect((await conclusionOf(api, agent)) === '', 'the chat came to an end before anybody approved');
  await api.approve(agent, asked.id, PERSON, REASON);
  const isStopped = async (): Promise<boolean> =>
    pump.readings().running === false && (await api.state(agent)).running === false;
  expect(await eventually(isStopped), 'the pump did not stop');
  let told = '';
  await eventually(async () => (told = await conclusionOf(api, agent)) !== '');
  expect(told.startsWith('Done'), `the chat says ${JSON.stringify(told)}`);
  broken.push(...missingRows(await api.audit(agent)));
  pump.wear.repair();
  const compared = /(\d+) other/.exec(told)?.[1] ?? '0';
  const summary = `compared with ${compared} others, asked, approved, stopped, told`;
  return { name: NAME, held: broken.length === 0, detail: `${agent}: ${broken.join('; ') || summary}` };
}

/** Who, what and why, as the audit log has to have them. */
function missingRows(rows: readonly string[]): string[] {
  const wanted = [
    /^rule asked rule:/,
    /^program paused chat/,
    /^approval requested chat/,
    new RegExp(`^approval approved api ${PERSON}: ${REASON}`),
    new RegExp(`^tool done chat ${PERSON} \\(api\\)`),
    /^command done device/,
    /^program done chat/,
  ];
  return wanted
    .filter((row) => !rows.some((one) => row.test(one)))
    .map((row) => `no ${row.source} in the audit log`);
}

/** The rule that wakes the agent's model; one is enough, also when the data directory is an old one. */
async function watchFor(pump: SimulatedDevice, api: BridgeApi): Promise<void> {
  const when = { metric: 'vibration', op: '>', value: VIBRATION_ALARMING };
  const rule = { when, do: { kind: 'ask', text: QUESTION } };
  await api.addRuleOnce(deviceName(pump), rule);
}

async function pendingSince(
  api: BridgeApi,
  agent: string,
  sinceMs: number,
): Promise<AskedApproval | undefined> {
  const approvals = await api.approvals(agent);
  return approvals.find(({ status, createdAtMs }) => status === 'pending' && createdAtMs >= sinceMs);
}

/** Lets it happen again and again, and says where somebody is asked. The returned function ends it. */
export function tellingStory(pump: SimulatedDevice, api: BridgeApi, say: (text: string) => void): () => void {
  let isOver = false;
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());
  const tell = async (): Promise<void> => {
    await watchFor(pump, api);
    while (!isOver) {
      await pause(QUIET_MS);
      await chapter({ pump, api, say, pause, isOver: () => isOver });
      await pause(ADMIRE_MS);
      pump.wear.repair();
      if (pump.readings().running === false) await api.command(deviceName(pump), 'start', null);
      say(`${deviceName(pump)}: somebody has replaced the bearing`);
    }
  };
  void tell().catch((error: unknown) => say(`the story has ended: ${String(error)}`));
  return () => {
    isOver = true;
    pump.wear.repair();
  };
}

interface Stage {
  readonly pump: SimulatedDevice;
  readonly api: BridgeApi;
  readonly say: (text: string) => void;
  readonly pause: (ms: number) => Promise<void>;
  readonly isOver: () => boolean;
}

/** From the first wear to what came of it; waits for the person as long as it takes. */
async function chapter({ pump, api, say, pause, isOver }: Stage): Promise<void> {
  const agent = deviceName(pump);
  const sinceMs = Date.now();
  pump.wear.begin('bearing', WEAR_S);
  say(
    `${agent}: a bearing begins to wear; above ${VIBRATION_ALARMING} mm/s a rule asks its agent to look into it`,
  );
  let asked: AskedApproval | undefined;
  while (asked === undefined && !isOver()) {
    await pause(POLL_MS);
    asked = await pendingSince(api, agent, sinceMs);
  }
  if (asked === undefined) return;
  const { id } = asked;
  say(`${agent}: its agent has compared it with others and asks you whether to stop it. Decide at`);
  say(`  ${api.url}/#/device/${agent}`);
  while (!isOver()) {
    await pause(POLL_MS);
    const now = (await api.approvals(agent)).find((approval) => approval.id === id);
    if (now?.status === 'pending' || (now?.status === 'approved' && now.outcome === null)) continue;
    say(
      `${agent}: ${now?.status ?? 'forgotten'} by ${now?.people.join(', ') || 'nobody'}, ${now?.outcome ?? 'nothing happened'}`,
    );
    return;
  }
}
