/** What the MCP endpoint asks of the bridge; the composition root answers it from the agents. */

export type JsonObject = { readonly [key: string]: unknown };

/** An agent: `{model, id}`, checked by whoever answers. */
export interface AgentTarget {
  readonly model: string;
  readonly id: string;
}

export interface FleetListQuery {
  readonly model: string | null;
  readonly q: string | null;
  readonly presence: string | null;
  readonly limit: number;
  readonly cursor: string | null;
}

/** A call of a device's own tool. */
export interface DeviceToolCall {
  readonly name: string;
  readonly input: JsonObject;
  /** A person's consent to this call; undefined: nobody was asked. */
  readonly approval?: { readonly binding: string; readonly by: string };
  /** Whoever asks can ask a person: nobody else is. */
  readonly isCallerAsked: boolean;
}

/** Bodies and answers are those of docs/design/requests.md. All reject with a BridgeError. `by`: for the audit log. */
export interface FleetPort {
  /** The models with their metrics and commands, as `GET /api/models` has them. */
  models(): readonly (JsonObject & { readonly model: string })[];
  list(query: FleetListQuery): Promise<JsonObject>;
  describe(target: AgentTarget): Promise<JsonObject>;
  history(
    target: AgentTarget,
    query: { metric: string | null; fromMs: number; toMs: number; points: number },
  ): Promise<JsonObject>;
  rules(target: AgentTarget): Promise<JsonObject>;
  /** A tool of the device, under its policy. */
  tool(target: AgentTarget, call: DeviceToolCall, by: string): Promise<JsonObject>;
  call(target: AgentTarget, method: string, args: readonly unknown[], by: string): Promise<JsonObject>;
}
