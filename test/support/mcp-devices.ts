/** Agents that use MCP servers, for tests: one that is no device, and a device's. Both answer their chat as they come. */
import {
  ChatAgent,
  DeviceChatAgent,
  type AddMcpServerOptions,
  type AgentClasses,
  type StreamingResponse,
} from '../../src/agent/index.ts';
import { defineDevice, numeric } from '../../src/device/index.ts';

const callables = {
  add: { streaming: true, deadlineMs: 60_000 },
  use: { streaming: true, deadlineMs: 60_000 },
  ai: { streaming: true, deadlineMs: 60_000 },
  tools: {},
  servers: {},
  questions: {},
  remove: { streaming: true },
  ready: { streaming: true },
  answerBy: {},
};

/** What both do when they are told to; what fails answers its code. */
async function told(stream: StreamingResponse, work: () => Promise<unknown>): Promise<void> {
  try {
    stream.end(await work());
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    stream.end({ code, message });
  }
}

class Worker extends ChatAgent {
  static readonly callables = callables;

  add(stream: StreamingResponse, name: string, target: string, options?: AddMcpServerOptions): Promise<void> {
    return told(stream, () => this.addMcpServer(name, target, options ?? {}));
  }

  use(stream: StreamingResponse, serverId: string, name: string, input: unknown): Promise<void> {
    return told(stream, () =>
      this.mcp.callTool({ serverId, name, arguments: input }, { signal: stream.signal }),
    );
  }

  /** Calls a tool as `streamText` would. */
  ai(stream: StreamingResponse, key: string, input: unknown): Promise<void> {
    return told(stream, async () => {
      const tool = this.mcp.getAITools()[key];
      const execute = tool?.execute as ((input: unknown, options: object) => Promise<unknown>) | undefined;
      return execute?.(input, {});
    });
  }

  tools(): string[] {
    return Object.keys(this.mcp.getAITools());
  }

  servers(): unknown {
    return this.getMcpServers();
  }

  questions(): unknown {
    return this.mcp.elicitations();
  }

  remove(stream: StreamingResponse, id: string): Promise<void> {
    return told(stream, () => this.removeMcpServer(id));
  }

  ready(stream: StreamingResponse): Promise<void> {
    return told(stream, () => this.mcp.waitForConnections({ timeoutMs: 10_000 }));
  }

  /** From now on its code answers forms: sure, or not. */
  answerBy(sure: boolean): void {
    this.mcp.configureElicitationHandlers({ form: () => ({ action: 'accept', content: { sure } }) });
  }
}

class Machine extends DeviceChatAgent<{ rpm: number }> {
  static readonly callables = { add: callables.add };

  add(stream: StreamingResponse, name: string, target: string, options?: AddMcpServerOptions): Promise<void> {
    return told(stream, () => this.addMcpServer(name, target, options ?? {}));
  }
}

export const definitions = [
  defineDevice({
    model: 'machine',
    description: 'a device with MCP servers',
    agent: 'machine-agent',
    metrics: [numeric('rpm', { min: 0, max: 1e6 })],
    sample: { rpm: 1 },
  }),
];

export const agents: AgentClasses = { worker: Worker, 'machine-agent': Machine };
