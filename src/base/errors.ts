/**
 * Every failure a user, a client or an operator can meet has a stable code here, with its wire
 * consequence: the HTTP status, the WebSocket close code (RFC 6455 section 7.4.1) and whether its
 * message may leave the process. docs/errors.md mirrors this table (a test compares them).
 */
interface ErrorSpec {
  /** HTTP status of the problem document (RFC 9457). */
  readonly status: number;
  /** WebSocket close code, where the error ends the connection. */
  readonly closeCode?: number;
  /** Whether `message` may be shown to a client; else clients see only the title. */
  readonly public: boolean;
  readonly title: string;
}

export const ERRORS = {
  BRG_INTERNAL: { status: 500, closeCode: 1011, public: false, title: 'Something failed inside the bridge' },
  BRG_CONFIG: { status: 500, public: true, title: 'A setting is not valid' },
  BRG_PORT_IN_USE: { status: 500, public: true, title: 'A port is already in use' },
  BRG_DATA_DIR: { status: 500, public: true, title: 'The data directory cannot be used' },
  BRG_DATA_VERSION: { status: 500, public: true, title: 'The data directory was written by another version' },
  BRG_SHARDS: { status: 500, public: true, title: 'The data directory is for another number of shards' },
  BRG_JOURNAL_DAMAGED: { status: 500, public: true, title: 'A part of the journal cannot be read' },
  BRG_DISK_FULL: { status: 507, public: true, title: 'The disk is full' },
  BRG_STORE: { status: 500, public: false, title: 'The database failed' },
  BRG_STOPPING: { status: 503, closeCode: 1001, public: true, title: 'The bridge is stopping' },
  BRG_BUSY: { status: 503, closeCode: 1013, public: true, title: 'The bridge has too much to do' },
  BRG_SHARD_RESTARTED: { status: 503, public: true, title: 'A shard restarted before it answered' },
  BRG_TIMEOUT: { status: 504, public: true, title: 'No answer in time' },
  BRG_NOT_FOUND: { status: 404, public: true, title: 'No such route' },
  BRG_METHOD_NOT_ALLOWED: { status: 405, public: true, title: 'The route does not know this method' },
  BRG_UPGRADE_REQUIRED: { status: 426, public: true, title: 'This address speaks WebSocket' },
  BRG_BAD_REQUEST: { status: 400, public: true, title: 'The request is not valid' },
  BRG_BODY_TOO_LARGE: { status: 413, public: true, title: 'The body is too large' },
  BRG_UNSUPPORTED_MEDIA: { status: 415, public: true, title: 'The media type is not supported' },
  BRG_UNAUTHORIZED: { status: 401, public: true, title: 'A token is needed' },
  BRG_FORBIDDEN: { status: 403, closeCode: 1008, public: true, title: 'Not allowed' },
  BRG_RATE: { status: 429, public: true, title: 'Too many requests' },
  BRG_NOT_IMPLEMENTED: { status: 501, public: true, title: 'Not available in this version' },
  BRG_ADDRESS: { status: 400, public: true, title: 'The agent address is not valid' },
  BRG_UNKNOWN_MODEL: { status: 404, public: true, title: 'No device model of this name' },
  BRG_UNKNOWN_AGENT: { status: 404, public: true, title: 'No agent at this address' },
  BRG_UNKNOWN_METRIC: { status: 400, public: true, title: 'The model has no such metric' },
  BRG_UNKNOWN_COMMAND: { status: 404, public: true, title: 'The model has no such command' },
  BRG_COMMAND_ARGUMENT: { status: 400, public: true, title: 'The command does not take this argument' },
  BRG_COMMANDS_FULL: { status: 429, public: true, title: 'Too many commands are waiting for the device' },
  BRG_RULE: { status: 400, public: true, title: 'The rule is not valid' },
  BRG_RULE_UNCONFIRMED: {
    status: 409,
    public: true,
    title: 'A model made the rule; a person has to confirm it',
  },
  BRG_RULES_FULL: { status: 409, public: true, title: 'The agent has as many rules as it may have' },
  BRG_UNKNOWN_RULE: { status: 404, public: true, title: 'No rule with this id' },
  BRG_UNKNOWN_APPROVAL: { status: 404, public: true, title: 'No approval with this id' },
  BRG_APPROVAL_DECIDED: { status: 409, public: true, title: 'The approval is decided already' },
  BRG_APPROVAL_SAME_PERSON: { status: 409, public: true, title: 'Another person has to approve as well' },
  BRG_UNKNOWN_PROGRAM: { status: 404, public: true, title: 'No program of this run is kept' },
  BRG_APPROVALS_FULL: { status: 429, public: true, title: 'Too many approvals wait for people' },
  BRG_JOB: { status: 400, public: true, title: 'The schedule or queued job is not valid' },
  BRG_UNKNOWN_SCHEDULE: { status: 404, public: true, title: 'No schedule with this id' },
  BRG_JOBS_FULL: { status: 429, public: true, title: 'The agent has as many jobs as it may have' },
  BRG_JOB_INTERRUPTED: { status: 500, public: true, title: 'The process ended while the job ran' },
  BRG_JOB_OVERDUE: { status: 500, public: true, title: 'The job could not run in time' },
  BRG_FIBER: { status: 400, public: true, title: 'The fiber is not valid, or not there' },
  BRG_FIBERS_FULL: { status: 429, public: true, title: 'The agent has as many fibers as it may have' },
  BRG_FIBER_INTERRUPTED: { status: 500, public: true, title: 'The process ended while the fiber ran' },
  BRG_RETRY: { status: 400, public: true, title: 'The retry options are not valid' },
  BRG_STATE_TOO_LARGE: { status: 413, public: true, title: 'The state is larger than the limit' },
  BRG_DEFINITION: { status: 500, public: true, title: 'A device definition is not valid' },
  BRG_PAYLOAD_SYNTAX: {
    status: 400,
    closeCode: 1007,
    public: true,
    title: 'The payload is neither JSON nor CBOR',
  },
  BRG_PAYLOAD_SHAPE: { status: 400, public: true, title: 'The payload has the wrong shape' },
  BRG_PAYLOAD_RANGE: { status: 400, public: true, title: 'A value is outside its range' },
  BRG_PAYLOAD_TOO_LARGE: { status: 413, closeCode: 1009, public: true, title: 'The payload is too large' },
  BRG_CBOR_DEPTH: { status: 400, closeCode: 1007, public: true, title: 'CBOR nested too deeply' },
  BRG_CBOR_TAG: { status: 400, closeCode: 1007, public: true, title: 'CBOR tag not allowed' },
  BRG_CBOR_LIMIT: { status: 400, closeCode: 1007, public: true, title: 'CBOR item larger than allowed' },
  BRG_CBOR_INTEGER: { status: 400, closeCode: 1007, public: true, title: 'CBOR integer beyond 2^53 - 1' },
  BRG_CBOR_KEY: { status: 400, closeCode: 1007, public: true, title: 'CBOR map key not allowed' },
  BRG_CBOR_UNSUPPORTED: {
    status: 400,
    closeCode: 1007,
    public: true,
    title: 'CBOR feature not allowed here',
  },
  BRG_CBOR_SYNTAX: { status: 400, closeCode: 1007, public: true, title: 'Not well-formed CBOR' },
  BRG_FRAME_SYNTAX: { status: 400, closeCode: 1007, public: true, title: 'The frame cannot be decoded' },
  BRG_FRAME_TYPE: {
    status: 400,
    closeCode: 1002,
    public: true,
    title: 'No frame of this type comes from a client',
  },
  BRG_FRAME_FIELD: {
    status: 400,
    closeCode: 1002,
    public: true,
    title: 'A field of the frame is missing or wrong',
  },
  BRG_FRAME_TOO_LARGE: { status: 413, closeCode: 1009, public: true, title: 'The frame is too large' },
  BRG_FRAME_TEXT: { status: 400, closeCode: 1003, public: true, title: 'Text on a binary connection' },
  BRG_SUBPROTOCOL: { status: 400, public: true, title: 'The WebSocket subprotocol is not known' },
  BRG_CONNECTION_CLOSED: { status: 503, public: true, title: 'The connection of the client closed' },
  BRG_UNKNOWN_METHOD: { status: 404, public: true, title: 'The agent has no such method' },
  BRG_CALL_ARGUMENTS: { status: 400, public: true, title: 'The method does not take these arguments' },
  BRG_CALL_FAILED: { status: 500, public: true, title: 'The called method answered with an error' },
  BRG_SQL: { status: 500, public: true, title: 'A statement on the database of an agent failed' },
  BRG_AGENT_FULL: { status: 507, public: true, title: 'The database of the agent is at its limit' },
  BRG_REQUEST_FAILED: { status: 500, public: true, title: 'The agent did not answer the HTTP request' },
  BRG_STORAGE: { status: 400, public: true, title: 'The storage of the agent does not take this' },
  BRG_IMPORT_FILE: { status: 400, public: true, title: 'The file is no sound export of an agent' },
  BRG_IMPORT_MODEL: { status: 409, public: true, title: 'The export is of another agent' },
  BRG_AGENT_EXISTS: { status: 409, public: true, title: 'There is an agent at this address' },
  BRG_BACKUP: { status: 400, public: true, title: 'The backup is not complete, or not what it was' },
  BRG_BACKUP_RUNNING: { status: 409, public: true, title: 'A backup is under way' },
  BRG_STATE_REJECTED: { status: 409, public: true, title: 'The agent did not take the state' },
  BRG_POISON: { status: 500, public: true, title: 'The code of the agent fails with this message' },
  BRG_AGENT_RESTARTED: { status: 503, public: true, title: 'The agent was restarted' },
  BRG_AGENT_HELD: { status: 503, public: true, title: 'The agent runs without its code for a while' },
  BRG_SANDBOX: { status: 503, public: true, title: 'No sandbox for the program' },
  BRG_ABORTED: { status: 499, public: true, title: 'The caller gave up' },
  BRG_SLOW_CLIENT: { status: 503, closeCode: 1013, public: true, title: 'The client reads too slowly' },
  BRG_CHAT_REQUEST: { status: 400, public: true, title: 'The chat request is not valid' },
  BRG_CHAT_FAILED: { status: 500, public: true, title: 'The agent could not answer in the chat' },
  BRG_CHAT_STREAM: { status: 502, public: true, title: 'The answer in the chat is no valid stream' },
  BRG_CHAT_TOOL_ARGUMENTS: { status: 502, public: true, title: 'The model calls tools with wrong arguments' },
  BRG_CHAT_DATA: { status: 400, public: true, title: 'A data part does not fit its schema' },
  BRG_CHAT_INTERRUPTED: { status: 503, public: true, title: 'The process ended while the agent answered' },
  BRG_MCP_OPTIONS: { status: 400, public: true, title: 'The MCP server is not described rightly' },
  BRG_MCP_REFUSED: { status: 403, public: true, title: 'The settings do not allow this MCP server' },
  BRG_MCP_FULL: {
    status: 429,
    public: true,
    title: 'As many MCP servers, calls or questions as there may be',
  },
  BRG_MCP_UNKNOWN: { status: 404, public: true, title: 'No such MCP server, tool or question' },
  BRG_MCP_AUTHORIZATION: { status: 409, public: true, title: 'The MCP server wants to be authorized first' },
  BRG_MCP_UNAVAILABLE: { status: 503, public: true, title: 'The MCP server cannot be reached' },
  BRG_MCP_TIMEOUT: { status: 504, public: true, title: 'The MCP server did not answer in time' },
  BRG_MCP_ANSWER: { status: 502, public: true, title: 'The answer of the MCP server is not sound' },
  BRG_MCP_ARGUMENTS: { status: 400, public: true, title: 'The tool does not take these arguments' },
  BRG_MCP_TOOL: { status: 502, public: true, title: 'The tool answered with an error' },
  BRG_MODEL_SPEC: { status: 500, public: true, title: 'The language model is not configured rightly' },
  BRG_MODEL_UNAVAILABLE: { status: 503, public: true, title: 'The language model cannot be reached' },
  BRG_MODEL_TIMEOUT: { status: 504, public: true, title: 'The language model did not answer in time' },
  BRG_MODEL_OVERLOADED: { status: 503, public: true, title: 'The language model has too much to do' },
  BRG_MODEL_BUDGET: { status: 429, public: true, title: 'The agent has used its tokens of today' },
  BRG_MODEL_REFUSED: { status: 502, public: true, title: 'The model endpoint refused the key' },
  BRG_MODEL_REQUEST: { status: 502, public: true, title: 'The model endpoint did not take the request' },
  BRG_MODEL_FILE: { status: 500, public: true, title: 'The file holds no model the engine can run' },
  BRG_MODEL_STATE: { status: 500, public: false, title: 'The kept state of a model is not what it was' },
  BRG_MODEL_CONTEXT: { status: 400, public: true, title: 'The prompt does not fit the language model' },
  BRG_MODEL_PATTERN: { status: 400, public: true, title: 'No answer can be held to that form' },
  BRG_MODEL_REPLACED: { status: 409, public: true, title: 'A newer request of the agent took its place' },
  BRG_MODEL_ANSWER: { status: 502, public: true, title: 'The answer of the model endpoint makes no sense' },
} as const satisfies Record<string, ErrorSpec>;

/** The stable code of a failure; docs/errors.md says of each what it means and what to do. */
export type ErrorCode = keyof typeof ERRORS;

/** A failure with a stable code. `message` says what was wrong and, where one can, what to do. */
export class BridgeError extends Error {
  /** Stable: what programs look at. */
  readonly code: ErrorCode;
  /** Machine-readable facts for the problem document, e.g. `{ metric: 'temperature', max: 80 }`. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options?: { cause?: unknown; details?: Record<string, unknown> },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BridgeError';
    this.code = code;
    this.details = options?.details;
  }
}

/** The wire consequence of a code. */
export function errorSpec(code: ErrorCode): ErrorSpec {
  return ERRORS[code];
}

/** What a client may read of it: the message of a public one, of others no more than the title of their code. */
export function publicMessage({ code, message }: BridgeError): string {
  const spec = errorSpec(code);
  return spec.public ? message : spec.title;
}

/** `error` as a BridgeError; anything unknown becomes BRG_INTERNAL and keeps its cause for the log. */
export function asBridgeError(error: unknown): BridgeError {
  if (error instanceof BridgeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new BridgeError('BRG_INTERNAL', message, { cause: error });
}

/** Throws BRG_INTERNAL when an invariant does not hold: a bug, never a user's mistake. */
export function assert(condition: unknown, whatMustHold: string): asserts condition {
  if (!condition) throw new BridgeError('BRG_INTERNAL', `invariant broken: ${whatMustHold}`);
}

/** For the default of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new BridgeError('BRG_INTERNAL', `unreachable value: ${JSON.stringify(value)}`);
}
