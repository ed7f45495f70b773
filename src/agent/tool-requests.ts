/**
 * Tools of one agent for whoever is not its own chat: another agent, an MCP client. They run here, under this agent's
 * policy; nobody gets around it by asking from elsewhere. The requests `tools` and `tool` of docs/design/requests.md.
 *
 *   tool -> (the turn is committed) -> running, beside both lanes -> answered
 *
 * I1 A tool begins after the commit of the turn that asked for it: what it sends leaves at once, no turn waits for it.
 * I2 Every request gets one answer, unless the process ends. While one is open the agent stays in memory.
 */
import { asBridgeError, BridgeError, publicMessage } from '../base/errors.ts';
import type { Tool } from '../tools/index.ts';
import type { Agent } from './agent.ts';
import { PARTS, type AgentParts } from './agent-parts.ts';
import { DeviceAgent } from './device-agent.ts';
import { deviceTools, isDeviceTool, type DeviceTool, type ToolApproval } from './device-tools/index.ts';
import { FleetAgent } from './fleet/fleet-agent.ts';

interface ToolRequest {
  readonly name: string;
  readonly input: unknown;
  /** Who asks, as the audit log names it. */
  readonly by?: string;
  /** A person's consent to this call. */
  readonly approval?: ToolApproval;
  /** Whoever asks can ask a person, and does: nobody else is. */
  readonly isCallerAsked?: boolean;
}

export class ToolRequests {
  readonly #agent: Agent;
  readonly #parts: AgentParts;
  readonly #open = new Map<number, AbortController>();

  constructor(agent: Agent) {
    this.#agent = agent;
    this.#parts = agent[PARTS];
  }

  get isBusy(): boolean {
    return this.#open.size > 0;
  }

  /** What `tools` answers. @throws BridgeError BRG_AGENT_HELD, BRG_NOT_FOUND */
  list(): unknown {
    const tools = this.#toolsFor('api').map(
      ({ name, description, inputSchema, outputSchema, annotations }) => {
        const isActing = annotations?.readOnlyHint !== true;
        return { name, description, inputSchema, outputSchema, annotations, isActing };
      },
    );
    return { tools };
  }

  /** Answers `tool` later. @throws BridgeError BRG_AGENT_HELD, BRG_NOT_FOUND; nothing has happened then */
  run(request: number, body: unknown): void {
    const asked = body as ToolRequest; // docs/design/requests.md
    const { name, by = 'api' } = asked;
    const tools = this.#toolsFor(by);
    const tool = tools.find((one) => one.name === name);
    if (tool === undefined) {
      const names = tools.map((one) => one.name).join(', ');
      throw new BridgeError('BRG_NOT_FOUND', `no tool ${JSON.stringify(name)}; there are ${names}`);
    }
    const abort = new AbortController();
    this.#open.set(request, abort);
    this.#parts.context.aside(() => this.#begin(request, tool, asked, abort.signal)); // I1
  }

  /** The agent is given up: the last answers. */
  abandon({ code, message }: BridgeError): void {
    for (const [request, abort] of this.#take()) {
      this.#parts.context.replyError(request, code, message);
      abort.abort(new BridgeError(code, message));
    }
  }

  #begin(
    request: number,
    tool: Tool | DeviceTool,
    { input, ...asked }: ToolRequest,
    signal: AbortSignal,
  ): void {
    runFor(tool, input, asked, signal).then(
      (value) => this.#answer(request, () => this.#parts.context.reply(request, { value: value ?? null })),
      (error: unknown) => this.#answer(request, () => this.#refuse(request, error)),
    );
  }

  /** I2; what was given up has been answered. */
  #answer(request: number, reply: () => void): void {
    if (!this.#open.delete(request)) return;
    try {
      reply();
    } catch (error) {
      // An answer may be larger than one may be.
      this.#refuse(request, error);
    }
  }

  #refuse(request: number, error: unknown): void {
    const failure = asBridgeError(error);
    this.#parts.context.replyError(request, failure.code, publicMessage(failure));
  }

  #take(): [number, AbortController][] {
    const open = [...this.#open];
    this.#open.clear();
    return open;
  }

  #toolsFor(by: string): readonly (Tool | DeviceTool)[] {
    // Without its code there is no `static policy` either.
    if (this.#parts.isHeld) {
      throw new BridgeError(
        'BRG_AGENT_HELD',
        'the agent runs without its own code for a while: it failed too often',
      );
    }
    if (this.#agent instanceof DeviceAgent) return deviceTools(this.#agent, { by });
    if (this.#agent instanceof FleetAgent) return this.#agent.toolsFor(by);
    throw new BridgeError('BRG_NOT_FOUND', `${this.#agent.model} has no tools`);
  }
}

/**
 * What needs consent is a question to people at once: whoever asked may be gone when they answer. A caller who asks a
 * person instead brings that consent along; where two have to agree, it is not enough, and people are asked all the same.
 */
async function runFor(
  tool: Tool | DeviceTool,
  input: unknown,
  { approval, isCallerAsked = false }: Pick<ToolRequest, 'approval' | 'isCallerAsked'>,
  signal: AbortSignal,
): Promise<unknown> {
  if (!isDeviceTool(tool)) return tool.execute(input, { signal });
  const decision = tool.decide(input);
  const isForTwo = decision.decision === 'needs-approval' && decision.persons === 2;
  if (isForTwo || !isCallerAsked) return tool.run(input, { signal, asksPeople: true });
  return tool.run(input, { signal, ...(approval === undefined ? {} : { approval }) });
}
