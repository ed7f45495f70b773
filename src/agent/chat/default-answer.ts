/** The answer of a chat agent whose class writes none of its own: the bridge's model, told who it is and what it knows. */
import type { UIMessage } from 'ai';
import { limits } from '../../base/limits.ts';
import type { Tool } from '../../tools/index.ts';
import type { Agent } from '../agent.ts';
import type { ChatAuthor, ChatFinish, ChatTurnOptions } from './chat-author.ts';
import { isWaitingProgram } from '../programs/program-answer.ts';
import { toolSetOf } from './chat-tools.ts';
import type { ChatAnswer } from './chunk-reader.ts';

type ChattingAgent = Agent & ChatAuthor & { readonly messages: UIMessage[] };

/** Streams an answer of `languageModel` to the messages so far. Rejects with BridgeError BRG_MODEL_... */
export async function answerWithModel(
  agent: ChattingAgent,
  about: string,
  onFinish: ChatFinish,
  { abortSignal }: ChatTurnOptions,
  tools: readonly Tool[] = [],
): Promise<ChatAnswer> {
  // Loaded with the first question: most bridges are asked nothing.
  const { convertToModelMessages, stepCountIs, streamText } = await import('ai');
  // What a model could not do is in its answer; the log is no place for it.
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });
  return streamText({
    model: agent.languageModel,
    system: `You are ${agent.model} ${agent.name}. ${about}\nState: ${JSON.stringify(agent.state ?? null)}`,
    messages: await convertToModelMessages(agent.messages),
    abortSignal,
    tools: await toolSetOf(agent, tools),
    // What a program that waits for people came to is told to the turn that goes on then.
    stopWhen: [stepCountIs(limits.chatStepsMax), waitsForPeople],
    // The model of a bridge tries again by itself.
    maxRetries: 0,
    onFinish,
    // The chat tells what failed.
    onError: () => undefined,
  });
}

/** For `stopWhen`: a program of the last step waits for people. */
function waitsForPeople({
  steps,
}: {
  steps: readonly { toolResults: readonly { output: unknown }[] }[];
}): boolean {
  return steps.at(-1)?.toolResults.some(({ output }) => isWaitingProgram(output)) === true;
}
