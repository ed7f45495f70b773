/**
 * The model of a bridge without a language model: no network, no key, the same answer to the same prompt.
 * It calls a tool, or states a fact, when a sentence means exactly that; else it says what it did not
 * understand. It never writes prose of its own, and every text says that no language model is configured.
 *
 * A prompt that ends with what a user said is parsed (rules/sentence.ts) and planned (rules/plan.ts); one that
 * ends with results of tools is answered from them (rules/answer.ts). Only the user's last message is obeyed.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
} from './language-model.ts';
import type { Clock } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import { describeResults, lastResults } from './rules/answer.ts';
import { knowledgeOf } from './rules/facts.ts';
import { describeFleet, isFleet, planFleet } from './rules/fleet-plan.ts';
import { fleetModelsOf } from './rules/fleet-words.ts';
import { planFor, type Plan } from './rules/plan.ts';
import { parseSentence } from './rules/sentence.ts';

const LABEL = 'No language model is configured; this is the rules engine.';
const WARNING =
  'no language model is configured: the rules engine answers only what it derives from tools and data';

/** Nothing was read by a model, nothing is to pay. */
const USAGE: LanguageModelV4GenerateResult['usage'] = {
  inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 0, text: 0, reasoning: 0 },
};

interface RulesEnvironment {
  readonly clock: Clock;
  /** Ids of tool calls: new each time, whatever the prompt, because approvals are bound to them. */
  readonly id?: () => string;
}

export class RulesModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider = 'mooring';
  readonly modelId = 'rules';
  readonly supportedUrls = {};
  readonly #clock: Clock;
  readonly #id: () => string;

  constructor({ clock, id = newId }: RulesEnvironment) {
    this.#clock = clock;
    this.#id = id;
  }

  /** One tool call or one text. Rejects only with the reason of the signal. */
  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws must be a rejection
  async doGenerate(options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    options.abortSignal?.throwIfAborted();
    const plan = this.#plan(options);
    return {
      content:
        plan.kind === 'say'
          ? [{ type: 'text', text: `${LABEL} ${plan.text}` }]
          : [
              {
                type: 'tool-call',
                toolCallId: this.#id(),
                toolName: plan.tool,
                input: JSON.stringify(plan.input),
              },
            ],
      finishReason: finishReason(plan),
      usage: USAGE,
      warnings: warningsFor(options),
    };
  }

  /** The same, in pieces. Rejects, and errors the stream, only with the reason of the signal. */
  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws must be a rejection
  async doStream(options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    options.abortSignal?.throwIfAborted();
    const parts = this.#parts(this.#plan(options), options);
    const stream = new ReadableStream<LanguageModelV4StreamPart>(
      {
        pull(controller) {
          if (options.abortSignal?.aborted === true) return controller.error(options.abortSignal.reason);
          const { done, value } = parts.next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        },
      },
      { highWaterMark: 0 },
    );
    return { stream };
  }

  *#parts(plan: Plan, options: LanguageModelV4CallOptions): Generator<LanguageModelV4StreamPart, void> {
    yield { type: 'stream-start', warnings: warningsFor(options) };
    if (plan.kind === 'say') {
      yield { type: 'text-start', id: '0' };
      for (const delta of `${LABEL} ${plan.text}`.match(/\S+\s*/g) ?? [])
        yield { type: 'text-delta', id: '0', delta };
      yield { type: 'text-end', id: '0' };
    } else {
      const id = this.#id();
      const input = JSON.stringify(plan.input);
      yield { type: 'tool-input-start', id, toolName: plan.tool };
      yield { type: 'tool-input-delta', id, delta: input };
      yield { type: 'tool-input-end', id };
      yield { type: 'tool-call', toolCallId: id, toolName: plan.tool, input };
    }
    yield { type: 'finish', finishReason: finishReason(plan), usage: USAGE };
  }

  #plan({ prompt, tools = [], toolChoice }: LanguageModelV4CallOptions): Plan {
    const said = lastSaid(prompt);
    const intent = parseSentence(said);
    const results = lastResults(prompt);
    const known = tools.filter((tool) => tool.type === 'function');
    const fleet = isFleet(known) ? fleetModelsOf(prompt) : undefined;
    // Always a text after results: a model that cannot doubt them has nothing to ask again.
    if (results.length > 0) {
      const text = fleet === undefined ? undefined : describeFleet(said, fleet, results);
      return { kind: 'say', text: text ?? describeResults(results, intent) };
    }
    const offered = known.filter(
      ({ name }) =>
        toolChoice?.type !== 'none' && (toolChoice?.type !== 'tool' || toolChoice.toolName === name),
    );
    const plan = fleet === undefined ? undefined : planFleet(said, fleet, offered);
    if (plan !== undefined) return plan;
    return planFor(intent, { tools: offered, knowledge: knowledgeOf(prompt), nowMs: this.#clock.now() });
  }
}

function finishReason(plan: Plan): LanguageModelV4GenerateResult['finishReason'] {
  return { unified: plan.kind === 'call' ? 'tool-calls' : 'stop', raw: undefined };
}

function warningsFor({
  responseFormat,
}: LanguageModelV4CallOptions): LanguageModelV4GenerateResult['warnings'] {
  const warnings: LanguageModelV4GenerateResult['warnings'] = [{ type: 'other', message: WARNING }];
  if (responseFormat?.type === 'json')
    warnings.push({ type: 'unsupported', feature: 'responseFormat', details: 'the rules write no JSON' });
  return warnings;
}

/** The text of the user's last message. */
function lastSaid(prompt: LanguageModelV4Prompt): string {
  const message = prompt.findLast(({ role }) => role === 'user');
  if (message?.role !== 'user') return '';
  return message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}
