/** Agents that are no devices, beside a device: a room people meet in, and one that answers HTTP. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Agent,
  DeviceAgent,
  getAgentByName,
  getCurrentAgent,
  type AgentClasses,
  type AgentConnection,
} from '../../src/agent/index.ts';
import { limits } from '../../src/base/limits.ts';
import { defineDevice, numeric } from '../../src/device/index.ts';

/** Where agents in this thread leave what happened to them. */
export const notes: string[] = [];

class Room extends Agent<{ members: string[] }> {
  static readonly callables = { join: {}, size: {}, shout: {}, slow: {}, huge: {} };

  override initialState = { members: [] as string[] };

  join(name: string): number {
    this.setState({ members: [...(this.state?.members ?? []), name] });
    return this.size();
  }

  size(): number {
    return this.state?.members.length ?? 0;
  }

  shout(text: string): number {
    this.broadcast(`${this.name}: ${text}`);
    return this.getConnections().length;
  }

  async slow(ms: number): Promise<number> {
    notes.push(`${this.name} slow begins`);
    await sleep(ms);
    notes.push(`${this.name} slow ends`);
    return this.size();
  }

  huge(): string {
    return 'x'.repeat(limits.frameOutBytesMax);
  }

  override onMessage(connection: AgentConnection, message: unknown): void {
    connection.send(`you said ${String(message)}`);
  }
}

type Answering = (request: Request, web: Web) => Response | Promise<Response>;

const answers: Readonly<Record<string, Answering>> = {
  echo: async (request) =>
    Response.json({
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    }),
  bytes: async (request) => new Response(await request.bytes()),
  teapot: () =>
    new Response('short and stout', {
      status: 418,
      headers: {
        'x-tea': 'Earl Grey',
        'set-cookie': 'a=b',
        connection: 'x-tea',
        'content-type': 'text/plain',
      },
    }),
  empty: () => new Response(null, { status: 204 }),
  streamed: () =>
    new Response(
      new ReadableStream({
        async start(stream) {
          for (const part of ['one ', 'two ', 'three']) {
            await sleep(1);
            stream.enqueue(new TextEncoder().encode(part));
          }
          stream.close();
        },
      }),
    ),
  endless: () =>
    new Response(
      new ReadableStream({
        pull: (stream) => stream.enqueue(new Uint8Array(64 * 1024)),
        cancel: () => void notes.push('endless was cancelled'),
      }),
    ),
  count: (_request, web) => {
    web.setState((web.state ?? 0) + 1);
    return Response.json(web.state);
  },
  broadcast: (_request, web) => {
    web.broadcast('asked');
    return new Response('told');
  },
  who: async (request) => {
    await sleep(1);
    const { agent, connection, request: current } = getCurrentAgent();
    return Response.json([agent?.name, connection === undefined, current === request]);
  },
  slow: async (_request, web) => {
    await sleep(50);
    web.setState((web.state ?? 0) + 1);
    return Response.json(web.state);
  },
  throw: (_request, web) => {
    web.setState(99);
    throw new Error('secret words');
  },
  reject: () => Promise.reject(new Error('secret words')),
  nothing: () => undefined as unknown as Response, // what an author may forget
  error: () => Response.error(),
  wide: () => new Response('', { headers: { 'x-wide': 'x'.repeat(limits.httpAnswerHeaderBytesMax) } }),
  odd: () => new Response('', { headers: { 'x-odd': 'a\u0001b' } }),
};

class Web extends Agent<number> {
  static readonly callables = { current: {} };

  override onRequest(request: Request): Response | Promise<Response> {
    const name = new URL(request.url).pathname.split('/')[4] ?? '';
    const answering = answers[name];
    return answering === undefined ? super.onRequest(request) : answering(request, this);
  }

  current(): number {
    return this.state ?? 0;
  }

  override onError(error: unknown): void {
    notes.push(`${this.name} onError ${String(error)}`);
  }
}

class Porter extends DeviceAgent {
  static readonly callables = { letIn: {} };

  letIn(room: string, name: string): Promise<number> {
    return getAgentByName<Room>('room', room).join(name);
  }

  override onRequest(request: Request): Response {
    return new Response(`${request.method} at the door`);
  }
}

export const definitions = [
  defineDevice({
    model: 'porter',
    description: 'a door',
    agent: 'porter-agent',
    metrics: [numeric('x', { min: 0, max: 10 })],
    sample: { x: 1 },
  }),
];

export const agents: AgentClasses = { room: Room, web: Web, 'porter-agent': Porter };
