/** Data parts: JSON values of the author's own beside the text of a message, checked by the schemas of the class. */
import { BridgeError } from '../../base/errors.ts';
import type { DataSchemas } from './chat-author.ts';
import type { ChatMessage } from './chat-message.ts';
import type { Chunk } from './message-builder.ts';

const PREFIX = 'data-';

/** A data part as its schema makes it. @throws BridgeError BRG_CHAT_DATA */
export function checkedData<T extends Chunk>(part: T, schemas: DataSchemas | undefined): T {
  const name = part.type.slice(PREFIX.length);
  if (schemas === undefined || !Object.hasOwn(schemas, name)) return part;
  const result = schemas[name]?.['~standard'].validate(part['data']);
  if (result instanceof Promise) {
    throw new BridgeError(
      'BRG_CHAT_DATA',
      `${part.type}: its schema is asynchronous; here it must answer at once`,
    );
  }
  if (result === undefined) return part;
  if (result.issues === undefined) return { ...part, data: result.value };
  const reasons = result.issues.map(({ message }) => message).join('; ');
  throw new BridgeError('BRG_CHAT_DATA', `${part.type}: ${reasons}`);
}

/** A message whose data parts fit. @throws BridgeError BRG_CHAT_DATA */
export function withCheckedData(message: ChatMessage, schemas: DataSchemas | undefined): ChatMessage {
  if (schemas === undefined || !message.parts.some(({ type }) => type.startsWith(PREFIX))) return message;
  const parts = message.parts.map((part) =>
    part.type.startsWith(PREFIX) ? checkedData(part, schemas) : part,
  );
  return { ...message, parts };
}

/** `static dataSchemas` of the author's class. */
export function dataSchemasOf(agent: object): DataSchemas | undefined {
  const { dataSchemas } = agent.constructor as { dataSchemas?: DataSchemas }; // as documented
  return dataSchemas;
}
