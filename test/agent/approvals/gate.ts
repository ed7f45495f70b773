/** A bridge with gates on it, the gate itself over MQTT, and somebody who talks to its agent. */
import { fileURLToPath } from 'node:url';
import type { MqttClient } from 'mqtt';
import { ChatClient, messagesOf } from '../../support/chat-client.ts';
import { startBridge, temporaryDir, type Answer, type TestBridge } from '../../support/bridge.ts';
import { until } from '../../support/until.ts';

export const devices = fileURLToPath(new URL('../../support/approval-devices.ts', import.meta.url));

export const gateBridge = (dataDir = temporaryDir(), shards = 0): Promise<TestBridge> =>
  startBridge({ devices, dataDir, shards });

export type Item = Readonly<Record<string, unknown>>;

/** What the device heard: `move 60`; it does what it is told, and shows it. */
export async function device(client: MqttClient, agent = 'gate/g1', isSilent = false): Promise<string[]> {
  const heard: string[] = [];
  client.on('message', (topic, payload) => {
    const [, , , kind, name = '', cid = ''] = topic.split('/');
    if (kind !== 'command') return;
    const value: unknown = JSON.parse(payload.toString());
    heard.push(`${name} ${String(value)}`);
    if (isSilent) return;
    client.publish(`devices/${agent}/result/${cid}`, '{"ok":true}', { qos: 1 });
    const shown = { move: 'position', lock: 'lock' }[name];
    if (shown !== undefined)
      client.publish(`devices/${agent}/telemetry`, JSON.stringify({ [shown]: value }), { qos: 1 });
  });
  await client.subscribeAsync(`devices/${agent}/command/#`, { qos: 1 });
  await client.publishAsync(`devices/${agent}/telemetry`, '{"position":10}', { qos: 1 });
  return heard;
}

/** Says it in the chat, and waits for the end of the turn. */
export async function say(bridge: TestBridge, text: string, agent = 'gate/g1'): Promise<ChatClient> {
  const client = await ChatClient.open(bridge, agent);
  await client.answer(text);
  return client;
}

export const move = (value: unknown): string =>
  `call send_command {"command":"move","value":${JSON.stringify(value)}}`;

export async function approvalsOf(bridge: TestBridge, agent = 'gate/g1', status?: string): Promise<Item[]> {
  const query = status === undefined ? '' : `?status=${status}`;
  return (await bridge.agent(`${agent}/approvals${query}`))['items'] as Item[]; // the route's schema
}

/** Id of the one that waits. */
export function pending(bridge: TestBridge, agent = 'gate/g1'): Promise<string> {
  return until(async () => (await approvalsOf(bridge, agent, 'pending'))[0]?.['id'] as string | undefined);
}

export function decide(
  bridge: TestBridge,
  id: string,
  by: string,
  approved = true,
  agent = 'gate/g1',
): Promise<Answer> {
  return bridge.fetch(`/api/agents/${agent}/approvals/${id}`, { body: { approved, by } });
}

/** Parts of the last message, once they are as wanted. */
export async function lastParts(
  bridge: TestBridge,
  isWanted: (parts: Item[]) => boolean,
  agent = 'gate/g1',
): Promise<Item[]> {
  return until(async () => {
    const parts = ((await messagesOf(bridge, agent)).at(-1)?.parts ?? []) as unknown as Item[];
    return isWanted(parts) ? parts : undefined;
  });
}

/** The first of them that is a call of a tool. */
export const toolPart = (parts: Item[]): Item | undefined =>
  parts.find(({ toolCallId }) => toolCallId !== undefined);

/** Whether the assistant has said what it heard of a tool. */
export const hasHeard = (parts: Item[]): boolean =>
  parts.some(({ type, text }) => type === 'text' && String(text).startsWith('heard'));
