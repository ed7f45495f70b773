/**
 * A call of the AI SDK as the engine takes it. The prompt is in a stable order - what the system says, the tools, then
 * what was said - so that its beginning is found in the prefix cache. Calls of tools are one JSON object, to which the
 * answer is held by a pattern; anything else is text.
 */
import { limits } from '../../base/limits.ts';
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4GenerateResult,
  LanguageModelV4Prompt,
} from '../language-model.ts';
import type { ChatLine, GenerationRequest } from './generation.ts';
import { jsonPattern } from './json-pattern.ts';
import type { Pattern } from './pattern.ts';

type Warnings = LanguageModelV4GenerateResult['warnings'];
type Content = Exclude<LanguageModelV4Prompt[number]['content'], string>[number];
type ToolOutput = Extract<Content, { type: 'tool-result' }>['output'];

/** What is asked, and how the answer is to be read. */
export interface ChatRequest {
  readonly request: Omit<GenerationRequest, 'agent' | 'priority'>;
  /** Whether the answer may be the call of a tool. */
  readonly mayCall: boolean;
  readonly warnings: Warnings;
}

/** @throws BridgeError BRG_MODEL_PATTERN for a schema no answer can be held to */
export function chatRequest(options: LanguageModelV4CallOptions): ChatRequest {
  const warnings: Warnings = [];
  const tools = offeredTools(options, warnings);
  const isJson = options.responseFormat?.type === 'json';
  if (isJson && tools.length > 0)
    warnings.push({ type: 'unsupported', feature: 'tools', details: 'the answer is JSON of a schema' });
  const mayCall = tools.length > 0 && !isJson;
  const { maxOutputTokens = limits.engineAnswerTokens, temperature = 0, seed, stopSequences } = options;
  const pattern = patternFor(options, mayCall ? tools : []);
  for (const feature of ['topP', 'topK', 'presencePenalty', 'frequencyPenalty'] as const)
    if (options[feature] !== undefined) warnings.push({ type: 'unsupported', feature });
  return {
    request: {
      prompt: linesOf(options.prompt, mayCall ? tools : [], warnings),
      maxTokens: maxOutputTokens,
      temperature,
      ...(seed === undefined ? {} : { seed }),
      ...(stopSequences === undefined ? {} : { stop: stopSequences }),
      ...(pattern === undefined ? {} : { pattern }),
    },
    mayCall,
    warnings,
  };
}

function offeredTools(
  { tools = [], toolChoice }: LanguageModelV4CallOptions,
  warnings: Warnings,
): LanguageModelV4FunctionTool[] {
  if (toolChoice?.type === 'none') return [];
  const own = tools.filter((tool) => tool.type === 'function');
  if (own.length < tools.length) warnings.push({ type: 'unsupported', feature: 'tools of the provider' });
  return own.filter(({ name }) => toolChoice?.type !== 'tool' || toolChoice.toolName === name);
}

/** Undefined: any text. */
function patternFor(
  { responseFormat, toolChoice }: LanguageModelV4CallOptions,
  tools: readonly LanguageModelV4FunctionTool[],
): Pattern | undefined {
  if (responseFormat?.type === 'json') return jsonPattern(responseFormat.schema ?? { type: 'object' });
  if (tools.length === 0) return undefined;
  const calls = tools.map(({ name, inputSchema }): Pattern => ({
    sequence: [`{"tool":${JSON.stringify(name)},"input":`, jsonPattern(inputSchema), '}'],
  }));
  const mustCall = toolChoice?.type === 'required' || toolChoice?.type === 'tool';
  return { oneOf: mustCall ? calls : [...calls, TEXT] };
}

/** Any character but an opening brace, then any. */
const TEXT: Pattern = {
  sequence: [
    {
      oneOf: [
        { from: '\n', to: '\n' },
        { from: ' ', to: 'z' },
        { from: '|', to: '~' },
        { kind: 'beyond-ascii' },
      ],
    },
    {
      repeat: { oneOf: [{ from: '\t', to: '\n' }, { from: ' ', to: '~' }, { kind: 'beyond-ascii' }] },
      min: 0,
    },
  ],
};

function linesOf(
  prompt: LanguageModelV4Prompt,
  tools: readonly LanguageModelV4FunctionTool[],
  warnings: Warnings,
): ChatLine[] {
  const system = prompt
    .filter(({ role }) => role === 'system')
    .map(({ content }) => textOf(content, warnings));
  const rest = prompt
    .filter(({ role }) => role !== 'system')
    .map(({ role, content }): ChatLine => {
      // What a tool answered is said to the model as a user would.
      return { role: role === 'assistant' ? 'assistant' : 'user', text: textOf(content, warnings) };
    });
  const about = tools.length === 0 ? [] : [toolsText(tools)];
  const head = [...system, ...about].join('\n\n');
  return head === '' ? rest : [{ role: 'system', text: head }, ...rest];
}

function toolsText(tools: readonly LanguageModelV4FunctionTool[]): string {
  const list = tools.map(({ name, description = '', inputSchema }) =>
    JSON.stringify({ tool: name, description, input: inputSchema }),
  );
  return `To use a tool, answer with {"tool":NAME,"input":INPUT} and nothing else. Tools:\n${list.join('\n')}`;
}

function textOf(content: string | readonly Content[], warnings: Warnings): string {
  if (typeof content === 'string') return content;
  return content
    .map((part) => {
      switch (part.type) {
        case 'text':
        case 'reasoning':
          return part.text;
        case 'tool-call':
          return JSON.stringify({ tool: part.toolName, input: part.input });
        case 'tool-result':
          return `${part.toolName} answered: ${outputText(part.output)}`;
        default:
          warnings.push({ type: 'unsupported', feature: `${part.type} in a prompt` });
          return '';
      }
    })
    .filter((text) => text !== '')
    .join('\n');
}

function outputText(output: ToolOutput): string {
  switch (output.type) {
    case 'text':
    case 'error-text':
      return output.value;
    case 'execution-denied':
      return `not allowed${output.reason === undefined ? '' : `: ${output.reason}`}`;
    case 'json':
    case 'error-json':
    case 'content':
      return JSON.stringify(output.value);
  }
}
