import { BridgeError, errorSpec } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { failureOfText } from './chat-failure.ts';
import type { Chunk } from './message-builder.ts';

/**
 * Counts the calls of one turn whose tool did not take their arguments. The model is told each time what would be
 * right; one that does not learn from it would go on for as many steps as it may.
 */
export class ArgumentMistakes {
  readonly #calls = new Set<unknown>();

  /** @throws BridgeError BRG_CHAT_TOOL_ARGUMENTS for one call too many */
  check(chunk: Chunk): void {
    const isMistake =
      chunk.type === 'tool-input-error' ||
      (chunk.type === 'tool-output-error' && isAboutArguments(String(chunk['errorText'])));
    if (!isMistake) return;
    this.#calls.add(chunk['toolCallId']);
    if (this.#calls.size <= limits.chatToolMistakesMax) return;
    const said = String(chunk['errorText']).slice(0, limits.eventErrorCharactersMax);
    const message = `the model called tools with wrong arguments ${this.#calls.size} times; the last: ${said}`;
    throw new BridgeError('BRG_CHAT_TOOL_ARGUMENTS', message);
  }
}

/** Our tools say so by a code whose status is a mistake of who asks: 400, or 404 for a name nobody has. */
function isAboutArguments(errorText: string): boolean {
  const { status } = errorSpec(failureOfText(errorText).code);
  return status === 400 || status === 404;
}
