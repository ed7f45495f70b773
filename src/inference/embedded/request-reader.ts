/** Makes runs of requests: text becomes tokens, and what this engine cannot do is refused before it waits. */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { ChatTemplate } from './chat-template.ts';
import type { Engine } from './engine.ts';
import type { RequestEvents, SchedulerEnvironment } from './engine-scheduler.ts';
import type { ChoiceRequest, GenerationPriority, GenerationRequest } from './generation.ts';
import { OutputText } from './output-text.ts';
import { Run, type Work } from './run.ts';
import { ConstraintCache } from './token-constraint.ts';
import { Vocabulary } from './vocabulary.ts';

/** By how much a request passes those of lower priority, ms. */
const HEAD_STARTS_MS: Readonly<Record<GenerationPriority, number>> = {
  alarm: limits.engineAlarmHeadStartMs,
  interactive: limits.engineInteractiveHeadStartMs,
  background: 0,
};

const TURN_ENDS = ['<|im_end|>', '<|eot_id|>', '<|end|>', '<|endoftext|>', '</s>'];

export class RequestReader {
  readonly #engine: Engine;
  readonly #env: SchedulerEnvironment;
  readonly #vocabulary: Vocabulary;
  readonly #constraints: ConstraintCache;
  /** Tokens that end an answer: models for chats have one for the end of a turn beside that of the text. */
  readonly ends: ReadonlySet<number>;
  readonly #template: ChatTemplate;
  #lastId = 0;

  constructor(engine: Engine, environment: SchedulerEnvironment) {
    this.#engine = engine;
    this.#env = environment;
    this.#vocabulary = new Vocabulary(engine.tokenizer, engine.info.vocabulary);
    const names = TURN_ENDS.map((name) => engine.tokenizer.tokenNamed(name));
    this.ends = new Set([engine.tokenizer.eos, ...names.filter((token) => token !== undefined)]);
    this.#template = new ChatTemplate(engine.tokenizer);
    this.#constraints = new ConstraintCache(this.#vocabulary);
  }

  /** @throws BridgeError BRG_MODEL_CONTEXT, BRG_MODEL_PATTERN, BRG_MODEL_REQUEST */
  read(request: GenerationRequest | ChoiceRequest, events: RequestEvents): Run {
    const prompt = this.#promptOf(request);
    const work = 'options' in request ? this.#choice(request) : this.#text(request);
    const longest = work.kind === 'choice' ? Math.max(...work.options.map(({ length }) => length)) : 1;
    this.#assertFits(prompt.length, longest);
    const nowMs = this.#env.elapsedMs();
    return new Run({
      id: ++this.#lastId,
      work,
      prompt,
      seed: 'seed' in request && request.seed !== undefined ? request.seed >>> 0 : this.#seed(),
      nowMs,
      turnMs: nowMs - HEAD_STARTS_MS[request.priority ?? 'interactive'],
      events,
    });
  }

  #seed(): number {
    return Math.floor(this.#env.random() * 2 ** 32);
  }

  #promptOf({ prompt }: GenerationRequest | ChoiceRequest): Int32Array {
    const { tokenizer, info } = this.#engine;
    const tokens = this.#tokensOf(prompt);
    const isStrange = tokens.some(
      (token) => !Number.isInteger(token) || token < 0 || token >= info.vocabulary,
    );
    if (isStrange) throw notDone('the prompt has tokens the model does not know');
    const isBegun = tokenizer.bos < 0 || tokens[0] === tokenizer.bos;
    if (isBegun && tokens.length > 0) return tokens;
    if (tokenizer.bos < 0) throw notDone('the prompt is empty');
    return Int32Array.from([tokenizer.bos, ...tokens]);
  }

  #tokensOf(prompt: GenerationRequest['prompt']): Int32Array {
    if (typeof prompt === 'string') return this.#engine.tokenizer.encode(prompt);
    return prompt instanceof Int32Array ? prompt : this.#template.write(prompt);
  }

  #text(request: GenerationRequest): Work {
    const { maxTokens, temperature = 0, pattern, stop = [] } = request;
    if (!Number.isInteger(maxTokens) || maxTokens < 1)
      throw notDone('maxTokens must be a whole number above 0');
    if (!(temperature >= 0 && temperature <= 10)) throw notDone('temperature must be 0..10');
    const constraint = pattern === undefined ? undefined : this.#constraints.get(pattern);
    return {
      kind: 'text',
      request,
      maxTokens,
      output: new OutputText(stop),
      constraint,
      state: constraint?.start ?? 0,
    };
  }

  #choice(request: ChoiceRequest): Work {
    const { options } = request;
    if (options.length === 0 || options.length > limits.engineOptionsMax)
      throw notDone(`a choice has 1..${limits.engineOptionsMax} options`);
    const { tokenizer } = this.#engine;
    const tokens = options.map((option) =>
      option === '' ? Int32Array.of(tokenizer.eos) : tokenizer.encode(option),
    );
    return { kind: 'choice', request, options: tokens, logProbabilities: [] };
  }

  #assertFits(promptTokens: number, answerTokens: number): void {
    const { contextTokens, blocks, blockTokens } = this.#engine.info;
    // A choice has, beside the prompt, a copy of its last block.
    const roomTokens = Math.min(contextTokens, (blocks - 2) * blockTokens);
    if (promptTokens + answerTokens <= roomTokens) return;
    throw new BridgeError(
      'BRG_MODEL_CONTEXT',
      `the prompt has ${promptTokens} tokens, and the answer ${answerTokens} at least; the model has room for ${roomTokens}`,
      { details: { promptTokens, answerTokens, contextTokens: roomTokens } },
    );
  }
}

function notDone(message: string): BridgeError {
  return new BridgeError('BRG_MODEL_REQUEST', message);
}
