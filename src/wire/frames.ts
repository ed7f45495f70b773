/**
 * The frame table: every frame of the protocol as data. JSON frames are objects with `type` (the
 * names of the Agents SDK 0.5 where it has one); CBOR frames carry the same fields in a map with
 * integer keys, where key 0 is the type number. docs/frames.cddl and docs/protocol.md mirror it.
 *
 * Invariants (test/wire/frames.test.ts):
 * I1 A type number and a key are never reused, also not after a frame or a field is gone.
 * I2 A field name has the same key in every frame. Key 0 is the type; 0..23 take one byte.
 */

/**
 * Which values a field takes; `any` is any JSON value, `number` a finite one. `text-or-map` is a text or a map; in JSON
 * a map is written as its JSON text, as the Agents SDK has it, in CBOR as the map it is.
 */
export type FieldType = 'string' | 'number' | 'boolean' | 'array' | 'object' | 'any' | 'text-or-map';

/**
 * What a connection can be spared (the suppression mask). `reply` answers the connection's own
 * request and is never masked.
 */
export type FrameClass = 'identity' | 'state' | 'mcp' | 'chat' | 'telemetry' | 'errors' | 'reply';

export interface FieldSpec {
  /** The key of the field in CBOR. */
  readonly key: number;
  readonly type: FieldType;
  readonly optional?: true;
  /** Present in one direction only: in = client to bridge. */
  readonly only?: 'in' | 'out';
}

export interface FrameSpec {
  readonly type: string;
  /** The value of key 0 in CBOR. */
  readonly number: number;
  readonly class: FrameClass;
  /** in = client to bridge, out = bridge to client. */
  readonly direction: 'in' | 'out' | 'both';
  readonly fields: Readonly<Record<string, FieldSpec>>;
}

const id = { key: 1, type: 'string' } as const;
const state = { key: 2, type: 'any' } as const;
const version = { key: 3, type: 'number' } as const;
const ts = { key: 4, type: 'number' } as const;
const values = { key: 5, type: 'object' } as const;
const seq = { key: 6, type: 'number' } as const;
const result = { key: 7, type: 'any' } as const;
const success = { key: 8, type: 'boolean' } as const;
const done = { key: 9, type: 'boolean' } as const;
const error = { key: 10, type: 'string' } as const;
/** The SDK marks a failed chat stream with a boolean of the same name. */
const errorFlag = { key: 10, type: 'boolean' } as const;
const method = { key: 11, type: 'string' } as const;
const args = { key: 12, type: 'array' } as const;
const body = { key: 13, type: 'text-or-map' } as const;
const patch = { key: 14, type: 'any' } as const;
const cid = { key: 15, type: 'string' } as const;
const status = { key: 16, type: 'string' } as const;
const value = { key: 17, type: 'any' } as const;
const name = { key: 18, type: 'string' } as const;
const presence = { key: 19, type: 'string' } as const;
const at = { key: 20, type: 'number' } as const;
const reported = { key: 21, type: 'any' } as const;
const desired = { key: 22, type: 'any' } as const;
const delta = { key: 23, type: 'any' } as const;
const agent = { key: 24, type: 'string' } as const;
const mcp = { key: 25, type: 'object' } as const;
const messages = { key: 26, type: 'array' } as const;
const message = { key: 27, type: 'object' } as const;
const continuation = { key: 28, type: 'boolean' } as const;
const replay = { key: 29, type: 'boolean' } as const;
const init = { key: 30, type: 'object' } as const;
const toolCallId = { key: 31, type: 'string' } as const;
const toolName = { key: 32, type: 'string' } as const;
const output = { key: 33, type: 'any' } as const;
const autoContinue = { key: 34, type: 'boolean' } as const;
const clientTools = { key: 35, type: 'array' } as const;
const approved = { key: 36, type: 'boolean' } as const;
const ruleId = { key: 37, type: 'string' } as const;
const kind = { key: 38, type: 'string' } as const;
const text = { key: 39, type: 'string' } as const;
const metric = { key: 40, type: 'string' } as const;
const rows = { key: 41, type: 'array' } as const;
const totals = { key: 42, type: 'object' } as const;
const channel = { key: 43, type: 'string' } as const;
const code = { key: 44, type: 'string' } as const;
const reason = { key: 45, type: 'string' } as const;
const errorText = { key: 46, type: 'string' } as const;
const approval = { key: 47, type: 'object' } as const;

/** All frames. 1..31 are the SDK's, 32.. are ours. */
export const FRAMES = [
  frame('cf_agent_identity', 1, 'identity', 'out', { name, agent }),
  frame('cf_agent_state', 2, 'state', 'both', { state, version: optional(version) }),
  frame('cf_agent_state_error', 3, 'errors', 'out', { error }),
  frame('cf_agent_mcp_servers', 4, 'mcp', 'out', { mcp }),
  frame('rpc', 5, 'reply', 'both', {
    id,
    method: only('in', method),
    args: only('in', args),
    success: only('out', success),
    result: only('out', optional(result)),
    done: only('out', optional(done)),
    error: only('out', optional(error)),
  }),
  frame('cf_agent_chat_messages', 6, 'chat', 'both', { messages }),
  frame('cf_agent_use_chat_response', 7, 'chat', 'out', {
    id,
    body,
    done,
    error: optional(errorFlag),
    continuation: optional(continuation),
    replay: optional(replay),
    // Ours: which chunk of its stream it is, from 1, and what an error is.
    seq: optional(seq),
    code: optional(code),
  }),
  frame('cf_agent_use_chat_request', 8, 'chat', 'in', { id, init }),
  frame('cf_agent_chat_clear', 9, 'chat', 'both', {}),
  frame('cf_agent_chat_request_cancel', 10, 'chat', 'in', { id }),
  frame('cf_agent_stream_resuming', 11, 'chat', 'out', { id }),
  // `seq`: the last chunk the client has; what comes after it is sent.
  frame('cf_agent_stream_resume_request', 12, 'chat', 'in', { id: optional(id), seq: optional(seq) }),
  frame('cf_agent_stream_resume_ack', 13, 'chat', 'in', { id, seq: optional(seq) }),
  frame('cf_agent_tool_result', 14, 'chat', 'in', {
    toolCallId,
    toolName,
    // A tool may return undefined, which JSON leaves out.
    output: optional(output),
    autoContinue: optional(autoContinue),
    clientTools: optional(clientTools),
    // `output-error` with its text: the tool failed at the client (Agents SDK since 0.7).
    state: optional(state),
    errorText: optional(errorText),
  }),
  frame('cf_agent_tool_approval', 15, 'chat', 'in', {
    toolCallId,
    approved,
    autoContinue: optional(autoContinue),
  }),
  frame('cf_agent_message_updated', 16, 'chat', 'out', { message }),
  // Agents SDK since 0.7: there is nothing to resume.
  frame('cf_agent_stream_resume_none', 17, 'chat', 'out', {}),

  frame('mooring_telemetry', 32, 'telemetry', 'out', { ts, values, seq: optional(seq) }),
  frame('mooring_presence', 33, 'telemetry', 'out', { presence, at }),
  frame('mooring_state_patch', 34, 'state', 'out', { patch, version }),
  frame('mooring_command', 35, 'telemetry', 'out', {
    cid,
    name,
    status,
    value: optional(value),
    error: optional(error),
  }),
  frame('mooring_twin', 36, 'state', 'out', { reported, desired, delta, version }),
  frame('mooring_alert', 37, 'telemetry', 'out', {
    ts,
    ruleId,
    kind,
    text,
    metric: optional(metric),
    value: optional(value),
  }),
  frame('mooring_fleet', 38, 'telemetry', 'out', { rows, totals }),
  frame('mooring_rejected', 39, 'errors', 'out', { ts, channel, code, reason }),
  frame('mooring_error', 40, 'errors', 'out', { code, error }),
  // Ends an open call: whatever comes of it is not wanted any more.
  frame('mooring_cancel', 41, 'reply', 'in', { id }),
  // An approval of a tool call was asked for, or has changed.
  frame('mooring_approval', 42, 'chat', 'out', { approval }),
] as const;

type Row = (typeof FRAMES)[number];
type Side = 'in' | 'out';

/** What a client may send, discriminated by `type`. */
export type InboundFrame = FrameOf<Row, 'in'>;
/** What the bridge sends, discriminated by `type`. */
export type Frame = FrameOf<Row, 'out'>;

type FrameOf<S extends FrameSpec, D extends Side> = S extends FrameSpec
  ? S['direction'] extends D | 'both'
    ? Flat<{ readonly type: S['type'] } & FieldsOf<S['fields'], D>>
    : never
  : never;

type FieldsOf<F extends Readonly<Record<string, FieldSpec>>, D extends Side> = {
  readonly [K in keyof F as Has<F[K], D> extends 'required' ? K : never]: ValueOf<F[K]['type']>;
} & {
  readonly [K in keyof F as Has<F[K], D> extends 'optional' ? K : never]?: ValueOf<F[K]['type']>;
};

type Has<F extends FieldSpec, D extends Side> = F extends { only: Side }
  ? F['only'] extends D
    ? Presence<F>
    : 'absent'
  : Presence<F>;
type Presence<F extends FieldSpec> = F extends { optional: true } ? 'optional' : 'required';

interface Values {
  string: string;
  number: number;
  boolean: boolean;
  array: readonly unknown[];
  object: Readonly<Record<string, unknown>>;
  any: unknown;
  'text-or-map': string | Readonly<Record<string, unknown>>;
}
type ValueOf<T extends FieldType> = Values[T];
type Flat<T> = { [K in keyof T]: T[K] };

const BY_TYPE: ReadonlyMap<string, FrameSpec> = new Map(FRAMES.map((spec) => [spec.type, spec]));
const BY_NUMBER: ReadonlyMap<number, FrameSpec> = new Map(FRAMES.map((spec) => [spec.number, spec]));

/** The row of a frame type; undefined for anything else, also for values that are no strings. */
export function frameSpecByType(type: unknown): FrameSpec | undefined {
  return typeof type === 'string' ? BY_TYPE.get(type) : undefined;
}

/** The row of a CBOR type number; undefined for anything else. */
export function frameSpecByNumber(number: unknown): FrameSpec | undefined {
  return typeof number === 'number' ? BY_NUMBER.get(number) : undefined;
}

const CLASSES: ReadonlyMap<string, FrameClass> = new Map(FRAMES.map((spec) => [spec.type, spec.class]));

/** The class of an outbound frame: what a connection's mask is asked for. */
export function frameClass(type: Frame['type']): FrameClass {
  return CLASSES.get(type) ?? 'errors'; // the map holds every type of the union
}

function frame<
  const T extends string,
  const C extends FrameClass,
  const D extends FrameSpec['direction'],
  const F extends Readonly<Record<string, FieldSpec>>,
>(type: T, number: number, frameClass: C, direction: D, fields: F) {
  return Object.freeze({ type, number, class: frameClass, direction, fields: Object.freeze(fields) });
}

function optional<const F extends FieldSpec>(field: F): F & { readonly optional: true } {
  return { ...field, optional: true };
}

function only<const F extends FieldSpec, const D extends Side>(side: D, field: F): F & { readonly only: D } {
  return { ...field, only: side };
}
