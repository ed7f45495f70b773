/**
 * The one gate for inbound frames: decoded and checked once, held against the connection's capabilities,
 * then to who handles its type.
 */
import type { ActorContext, Connection, InboundRecord } from '../actor/index.ts';
import { FLAG_TEXT } from '../actor/index.ts';
import { asBridgeError, BridgeError, errorSpec } from '../base/errors.ts';
import { channels, tell } from '../base/events.ts';
import { limits } from '../base/limits.ts';
import { decodeFrame, type InboundFrame } from '../wire/index.ts';
import type { Agent } from './agent.ts';
import { PARTS } from './agent-parts.ts';
import { attachmentOf } from './attachment.ts';
import { answerFrameCall, connectionSource } from './calls/frame-call.ts';
import { missingCapability } from './capabilities.ts';
import { refusalText } from './state-sync.ts';

/** Handles one frame of a connection. Bad ones close it with the code of their error; nothing changes. */
export function receiveFrame(
  agent: Agent,
  connection: Connection,
  record: InboundRecord,
): void | Promise<void> {
  const { context } = agent[PARTS];
  context.counters.framesIn++;
  const isText = (record.flags & FLAG_TEXT) !== 0;
  if (isText && connection.codec === 'cbor') {
    return refuse(
      agent,
      connection,
      new BridgeError('BRG_FRAME_TEXT', 'this connection speaks CBOR, not text'),
    );
  }
  let inbound: InboundFrame | OwnMessage;
  try {
    inbound = decode(record, connection, isText);
  } catch (error) {
    return refuse(agent, connection, asBridgeError(error));
  }
  if (inbound instanceof OwnMessage) return passOn(agent, connection, record, isText, inbound.message);
  return handle(agent, connection, inbound);
}

/** What a connection said that is no protocol frame: it is for the author's `onMessage`. */
class OwnMessage {
  readonly message: unknown;

  constructor(message: unknown) {
    this.message = message;
  }
}

function decode(record: InboundRecord, connection: Connection, isText: boolean): InboundFrame | OwnMessage {
  const { payload } = record;
  if (isText) {
    const own = (): OwnMessage => new OwnMessage(payload.toString('utf8'));
    // Text that is no JSON object by its first character need not be JSON.
    return /^\s*\{/.test(payload.toString('latin1', 0, 64)) ? decodeFrame(payload, 'json', own) : own();
  }
  // Binary on a JSON connection is the author's.
  if (connection.codec === 'json') return new OwnMessage(new Uint8Array(payload));
  return decodeFrame(payload, 'cbor', (value) => new OwnMessage(value));
}

function passOn(
  agent: Agent,
  connection: Connection,
  record: InboundRecord,
  isText: boolean,
  message: unknown,
): void | Promise<void> {
  const sender = agent[PARTS].wrap(connection.id);
  const { context } = agent[PARTS];
  if (channels.message.hasSubscribers) {
    tell('message:request', context, { connection: sender.id, bytes: record.payload.length, isText });
  }
  return agent[PARTS].runHook('onMessage', () => agent.onMessage(sender, message), sender);
}

function handle(agent: Agent, connection: Connection, frame: InboundFrame): void | Promise<void> {
  const parts = agent[PARTS];
  const missing = missingCapability(frame, attachmentOf(connection));
  if (missing !== undefined) return deny(agent, connection, frame, missing);
  switch (frame.type) {
    case 'cf_agent_state':
      return setState(agent, connection, frame.state);
    case 'rpc':
      return answerFrameCall(parts.calls, parts.wrap(connection.id), frame);
    case 'mooring_cancel':
      parts.calls.cancel(connectionSource(connection.id), frame.id);
      return undefined;
    default:
      if (parts.chat !== undefined) return parts.chat.receive(connection, frame);
      parts.outbound.send(connection, {
        type: 'mooring_error',
        code: parts.isHeld ? 'BRG_AGENT_HELD' : 'BRG_NOT_IMPLEMENTED',
        error: parts.isHeld
          ? 'the agent runs without its own code for a while: it failed too often'
          : `this agent does not handle ${frame.type}`,
      });
      return undefined;
  }
}

function setState(agent: Agent, connection: Connection, state: unknown): void | Promise<void> {
  const parts = agent[PARTS];
  try {
    const changing = parts.state.replace(state, parts.wrap(connection.id));
    return changing?.catch((error: unknown) => refuseState(agent, connection, error));
  } catch (error) {
    refuseState(agent, connection, error);
  }
  return undefined;
}

/** Details of a refusal by the author's code are for the log, as in the Agents SDK. */
function refuseState(agent: Agent, connection: Connection, error: unknown): void {
  const { context, outbound } = agent[PARTS];
  context.log.warn({ connection: connection.id, err: String(error) }, 'state refused');
  outbound.send(connection, { type: 'cf_agent_state_error', error: refusalText(error) });
}

/** The connection stays; what it began with the frame is told that it ended, in the words of its kind. */
function deny(agent: Agent, connection: Connection, frame: InboundFrame, missing: string): void {
  const { context, outbound } = agent[PARTS];
  context.counters.framesRefused++;
  const error = `this connection lacks the capability ${missing}`;
  tellRefused(context, connection, 'BRG_FORBIDDEN', error);
  switch (frame.type) {
    case 'cf_agent_state':
      outbound.send(connection, { type: 'cf_agent_state_error', error: 'Connection is readonly' });
      return;
    case 'rpc':
      outbound.send(connection, { type: 'rpc', id: frame.id, success: false, error });
      return;
    case 'cf_agent_use_chat_request': {
      const { id } = frame;
      outbound.send(connection, {
        type: 'cf_agent_use_chat_response',
        id,
        body: error,
        done: true,
        error: true,
        code: 'BRG_FORBIDDEN',
      });
      return;
    }
    default:
      outbound.send(connection, { type: 'mooring_error', code: 'BRG_FORBIDDEN', error });
  }
}

function tellRefused(context: ActorContext, connection: Connection, code: string, text: string): void {
  if (!channels.message.hasSubscribers) return;
  const error = text.slice(0, limits.eventErrorCharactersMax);
  tell('message:error', context, { connection: String(connection.id), code, error });
}

function refuse(agent: Agent, connection: Connection, error: BridgeError): void {
  const { context } = agent[PARTS];
  context.counters.framesRefused++;
  const { closeCode } = errorSpec(error.code);
  tellRefused(context, connection, error.code, error.message);
  agent[PARTS].outbound.send(connection, { type: 'mooring_error', code: error.code, error: error.message });
  context.close(connection.id, closeCode ?? 1002, `${error.code}: ${error.message}`.slice(0, 120));
}
