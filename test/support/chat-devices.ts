/** Agents to talk to, for tests: one that is no device, and a device's. */
import type { UIMessage } from 'ai';
import { z } from 'zod';
import {
  Agent,
  ChatAgent,
  DeviceChatAgent,
  type AgentClasses,
  type AgentConnection,
  type ChatAnswer,
  type ChatConcurrency,
  type ChatErrorContext,
  type ChatFinish,
  type ChatTurnOptions,
  type ConnectContext,
  type ProtocolDecision,
} from '../../src/agent/index.ts';
import type { BridgeError } from '../../src/base/errors.ts';
import { defineDevice, numeric } from '../../src/device/index.ts';
import { answer, notes, textOf } from './chat-answers.ts';

function decision({ uri }: ConnectContext): ProtocolDecision {
  return uri.includes('quiet') ? false : uri.includes('nochat') ? { state: true, errors: true } : true;
}

class Bot extends ChatAgent<{ n: number }> {
  static readonly callables = {
    original: {},
    save: {},
    policy: {},
    keep: {},
    failing: {},
    rows: {},
    goOn: {},
    ping: {},
    crash: {},
  };
  static readonly dataSchemas = { reading: z.object({ rpm: z.number() }) };

  override onChatMessage(onFinish: ChatFinish, options: ChatTurnOptions): ChatAnswer | Promise<ChatAnswer> {
    return answer(this, onFinish, options);
  }

  override onChatError(error: BridgeError, { requestId, message }: ChatErrorContext): void {
    notes.push(`${this.name} error ${error.code} ${requestId} ${textOf(message)}`);
  }

  override shouldConnectionBeReadonly(_connection: AgentConnection, { uri }: ConnectContext): boolean {
    return uri.includes('readonly');
  }

  override shouldSendProtocolMessages(
    _connection: AgentConnection,
    context: ConnectContext,
  ): ProtocolDecision {
    return decision(context);
  }

  original(id: string): unknown {
    return this.getOriginal(id);
  }

  async save(messages: UIMessage[]): Promise<string> {
    return (await this.saveMessages(messages)).requestId;
  }

  /** Saves, and takes it back. */
  failing(messages: UIMessage[]): string {
    void this.saveMessages(messages);
    throw new Error('taken back');
  }

  async goOn(): Promise<string> {
    return (await this.continueLastTurn()).requestId;
  }

  policy(policy: ChatConcurrency): void {
    this.messageConcurrency = policy;
  }

  keep(count: number): void {
    this.maxPersistedMessages = count;
  }

  ping(): string {
    return 'pong';
  }

  /** Ends the thread at once, as a crash does. */
  crash(): void {
    process.exit(3);
  }

  rows(table: string): unknown {
    return this.storage.sql.exec(`SELECT * FROM ${table}`).toArray();
  }
}

class Talker extends DeviceChatAgent<{ x: number }> {
  static readonly callables = { ping: {} };

  override onChatMessage(onFinish: ChatFinish, options: ChatTurnOptions): ChatAnswer | Promise<ChatAnswer> {
    return answer(this, onFinish, options);
  }

  ping(): string {
    return 'pong';
  }
}

/** Is nobody's to talk to. */
class Mute extends Agent {}

export const definitions = [
  defineDevice({
    model: 'talker',
    description: 'a device to talk to',
    agent: 'talker-agent',
    metrics: [numeric('x', { min: 0, max: 1e6 })],
    sample: { x: 1 },
  }),
];

export const agents: AgentClasses = { bot: Bot, mute: Mute, 'talker-agent': Talker };
