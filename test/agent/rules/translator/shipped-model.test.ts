import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import greenhouse from '../../../../devices/greenhouse.ts';
import { askEngine, understand, understandExactly } from '../../../../src/agent/rules/index.ts';
import { ModelTranslator } from '../../../../src/agent/rules/translator/model-translator.ts';
import { openEngine } from '../../../../src/inference/embedded/open-engine.ts';
import { ModelHost, shippedModel } from '../../../../src/inference/index.ts';
import { deviceWords, promptOf } from '../../../../src/agent/rules/translator/prompt.ts';
import { Answerer } from '../../../../training/answerer.ts';
import { Vocabulary } from '../../../../training/generate/vocabulary-pieces.ts';
import { parseGguf } from '../../../../src/inference/embedded/gguf-reader.ts';

const path = fileURLToPath(new URL('../../../../models/rules-1.gguf', import.meta.url));
const vocabulary = { definition: greenhouse, names: ['greenhouse', 'g1'] };

describe('the shipped model', () => {
  const bytes = readFileSync(path);

  it('is the file docs/model.md describes, of less than 5 MB', () => {
    const hash = createHash('sha256').update(bytes).digest('hex');
    expect(readFileSync(new URL('../../../../docs/model.md', import.meta.url), 'utf8')).toContain(hash);
    expect(bytes.length).toBeLessThan(5_000_000);
  });

  it('reads text as the trainer did', () => {
    const merges = parseGguf(bytes).fields.get('tokenizer.ggml.merges') as string[]; // the trainer wrote a list of texts
    const text = ' pump MA vibration # mm/s CA stop .\n stop CA it if MA > NA , ünusual zorvik\n';
    expect([...openEngine(path).tokenizer.encode(text)]).toEqual(new Vocabulary(merges).encode(text));
  });

  it('makes a rule of a sentence that the grammar misses, offline', async () => {
    const answerer = new Answerer(openEngine(path));
    const translator = new ModelTranslator((prompt) => {
      const answer = answerer.answer(prompt);
      return Promise.resolve(
        answer && { words: answer.words, confidence: Math.exp(answer.leastLogProbability) },
      );
    });
    const sentence = 'make sure to open the vent any time the temp climbs past thirty degrees';
    expect(understandExactly(sentence, vocabulary).kind).toBe('not-understood');
    expect(await understand(sentence, vocabulary, translator)).toMatchObject({
      kind: 'rule',
      tier: 'model',
      rule: {
        when: { metric: 'temperature', op: '>', value: 30 },
        do: { kind: 'command', name: 'vent', argument: 'open' },
      },
    });
    expect((await understand('what a day', vocabulary, translator)).kind).toBe('not-understood');
  });

  it('answers in its thread what the scores of docs/model.md were measured with', async () => {
    expect(shippedModel()).toBe(path);
    const host = new ModelHost();
    onTestFinished(() => host.close());
    const ask = askEngine(host.engine(path));
    const answerer = new Answerer(openEngine(path));
    const sentences = [
      'make sure to open the vent any time the temp climbs past thirty degrees',
      'close the vent once humidity drops under 40 and the temp is below 15',
      'shout "too hot" if the temperature has been over 35 for ten minutes at night',
      'what a day',
      'notify me when the battery falls 5 % in an hour',
    ];
    for (const sentence of sentences) {
      const prompt = promptOf(sentence, deviceWords(greenhouse));
      const [answer, expected] = [await ask(prompt, 'greenhouse/g1'), answerer.answer(prompt)];
      expect(answer?.words, sentence).toEqual(expected?.words);
      expect(answer?.confidence).toBeCloseTo(Math.exp(expected?.leastLogProbability ?? 1), 2);
    }
  });
});
