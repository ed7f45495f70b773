/** Agents to talk to: what the rest of the agent room and authors get of the chat. */
export { ChatAgent } from './chat-agent.ts';
export { DeviceChatAgent } from './device-chat-agent.ts';
export { chatTools } from './chat-tools.ts';
export { chatErrorText } from './chat-failure.ts';
export type {
  ChatConcurrency,
  ChatErrorContext,
  ChatFinish,
  ChatTurnOptions,
  DataSchemas,
} from './chat-author.ts';
export type { ChatAnswer, ChunkStreamSource } from './chunk-reader.ts';
