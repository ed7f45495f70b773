/** A client of a chat over a real socket, as `useAgentChat` speaks. */
import { fileURLToPath } from 'node:url';
import type { UIMessage } from 'ai';
import { encodeFrame, SUBPROTOCOL_CBOR, type Frame, type InboundFrame } from '../../src/wire/index.ts';
import type { BridgeOptions } from '../../src/bridge.ts';
import type { Config } from '../../src/config.ts';
import { startBridge, type TestBridge } from './bridge.ts';
import type { FrameSocket } from './frame-socket.ts';
import { until } from './until.ts';

const devices = fileURLToPath(new URL('./chat-devices.ts', import.meta.url));

export const chatBridge = (config: Partial<Config> = {}, options: BridgeOptions = {}): Promise<TestBridge> =>
  startBridge({ devices, ...config }, options);

export const JSON_CODEC: string[] = [];
export const CBOR_CODEC: string[] = [SUBPROTOCOL_CBOR];

type Response = Extract<Frame, { type: 'cf_agent_use_chat_response' }>;
type Chunk = Record<string, unknown>;

let count = 0;

export const user = (text: string, id = `u${++count}`): UIMessage => ({
  id,
  role: 'user',
  parts: [{ type: 'text', text }],
});

export class ChatClient {
  readonly socket: FrameSocket;

  constructor(socket: FrameSocket) {
    this.socket = socket;
  }

  static async open(bridge: TestBridge, target: string, protocols = JSON_CODEC): Promise<ChatClient> {
    return new ChatClient(await bridge.socket(target, protocols));
  }

  send(frame: InboundFrame): void {
    this.socket.socket.send(
      this.socket.codec === 'cbor' ? encodeFrame(frame, 'cbor') : JSON.stringify(frame),
    );
  }

  /** Sends messages; the id of the request. In CBOR the body is a map. */
  ask(messages: readonly unknown[] | string, more: Record<string, unknown> = {}, id = `r${++count}`): string {
    const body = { messages: typeof messages === 'string' ? [user(messages)] : messages, ...more };
    const isCbor = this.socket.codec === 'cbor';
    this.send({
      type: 'cf_agent_use_chat_request',
      id,
      init: { method: 'POST', body: isCbor ? body : JSON.stringify(body) },
    });
    return id;
  }

  responses(id?: string): Response[] {
    return this.socket
      .ofType('cf_agent_use_chat_response')
      .filter((frame) => id === undefined || frame.id === id);
  }

  chunks(id?: string): Chunk[] {
    return this.responses(id).flatMap(({ body }) => (typeof body === 'string' ? [] : [body]));
  }

  text(id?: string): string {
    return this.chunks(id)
      .map(({ type, delta }) => (type === 'text-delta' ? String(delta) : ''))
      .join('');
  }

  /** Waits for the last frame of a request. */
  done(id: string): Promise<Response> {
    return until(() => this.responses(id).find(({ done }) => done), `the end of ${id}`);
  }

  /** Asks, and waits for the end. */
  async answer(messages: readonly unknown[] | string, more: Record<string, unknown> = {}): Promise<string> {
    const id = this.ask(messages, more);
    await this.done(id);
    return id;
  }
}

/** The stored messages, over the API. */
export async function messagesOf(bridge: TestBridge, path: string): Promise<UIMessage[]> {
  return (await bridge.agent(`${path}/messages`))['messages'] as UIMessage[];
}
