/**
 * The protocol between the AI SDK 7 and a model (LanguageModelV4), by the names of `@ai-sdk/provider`; taken
 * from the provider package, so that its types need no dependency of their own.
 * https://ai-sdk.dev/providers/community-providers/custom-providers
 */
import type { OpenAICompatibleProvider } from '@ai-sdk/openai-compatible';

export type LanguageModelV4 = ReturnType<OpenAICompatibleProvider['chatModel']>;
export type LanguageModelV4CallOptions = Parameters<LanguageModelV4['doGenerate']>[0];
export type LanguageModelV4GenerateResult = Awaited<ReturnType<LanguageModelV4['doGenerate']>>;
export type LanguageModelV4StreamResult = Awaited<ReturnType<LanguageModelV4['doStream']>>;
export type LanguageModelV4StreamPart =
  LanguageModelV4StreamResult['stream'] extends ReadableStream<infer Part> ? Part : never;
export type LanguageModelV4Usage = LanguageModelV4GenerateResult['usage'];
export type LanguageModelV4Prompt = LanguageModelV4CallOptions['prompt'];
export type LanguageModelV4FunctionTool = Extract<
  NonNullable<LanguageModelV4CallOptions['tools']>[number],
  { type: 'function' }
>;
export type LanguageModelV4ToolResultPart = Extract<
  Extract<LanguageModelV4Prompt[number], { role: 'tool' }>['content'][number],
  { type: 'tool-result' }
>;
