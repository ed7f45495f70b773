/**
 * Sentences that only a model may understand: what it makes of them is shown, and becomes a rule when a person gives it back as data.
 *
 *   previewRule, addRule -> (the turn is committed) -> translating, beside both lanes -> answered
 *
 * I1 Nothing here changes the agent: a replay asks nobody, and a rule of a model is never active unseen.
 * I2 Every request gets one answer, unless the process ends. While one is open the agent stays in memory.
 */
import { asBridgeError, BridgeError, publicMessage } from '../base/errors.ts';
import type { DeviceDesk } from './device-desk.ts';
import { understand, type Rule, type RuleTranslator } from './rules/index.ts';

/** What a model made of a sentence. */
export interface Proposal {
  readonly rule: Rule;
  readonly confidence: number;
}

export class RuleProposals {
  readonly #desk: DeviceDesk;
  readonly #open = new Set<number>();

  constructor(desk: DeviceDesk) {
    this.#desk = desk;
  }

  get isBusy(): boolean {
    return this.#open.size > 0;
  }

  /** Answers the request later. @param answerOf the answer; what it throws is one as well */
  ask(
    request: number,
    sentence: string,
    translator: RuleTranslator,
    answerOf: (proposal: Proposal) => unknown,
    notUnderstood: BridgeError,
  ): void {
    this.#open.add(request);
    const { context, definition } = this.#desk;
    const vocabulary = { definition, names: [context.address.model, context.address.id] };
    context.aside(() => {
      const failed = (error: unknown): void =>
        context.log.warn({ err: String(error) }, 'the model of rules made none of a sentence');
      understand(sentence, vocabulary, translator, failed)
        .then((found) => {
          if (found.kind === 'not-understood') throw notUnderstood;
          const answer = answerOf(found);
          if (this.#open.delete(request)) context.reply(request, answer);
        })
        .catch((error: unknown) => this.#refuse(request, asBridgeError(error)));
    });
  }

  /** The agent is given up: the last answers. */
  abandon(): void {
    const gone = new BridgeError(
      'BRG_AGENT_RESTARTED',
      'the agent was given up before the sentence was understood',
    );
    for (const request of [...this.#open]) this.#refuse(request, gone);
  }

  #refuse(request: number, error: BridgeError): void {
    if (!this.#open.delete(request)) return;
    this.#desk.context.replyError(request, error.code, publicMessage(error), { ...error.details });
  }
}
