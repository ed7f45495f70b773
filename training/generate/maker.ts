/** What the makers of sentences share: chance, the device, and which templates may be used. */
import type { Metric } from '../../src/device/index.ts';
import { wordsOfName } from '../../src/agent/rules/translator/device-words.ts';
import type { MadeDevice } from './devices.ts';
import { expand, isHeldOut, type Random, type Slots } from './random.ts';
import { KNOWN_METRICS, type KnownMetric } from './vocabulary.ts';

/** train: no held-out template and no held-out name. templates: at least one held-out. names: only held-out names. */
export type Split = 'train' | 'templates' | 'names';

export const TEMPLATES_HELD_OUT = 0.1;
/** Templates that came after the held-out sets were fixed begin with it: only training uses them. */
export const LATER = '+ ';

export class Maker {
  readonly random: Random;
  readonly device: MadeDevice;
  readonly #split: Split;
  /** Whether the sentence at hand used a template that training never sees. */
  usedHeldOut = false;

  /** Whether it uses the templates that only training uses. */
  readonly usesLater: boolean;

  constructor(random: Random, device: MadeDevice, split: Split, usesLater = split === 'train') {
    this.random = random;
    this.device = device;
    this.#split = split;
    this.usesLater = usesLater;
  }

  /** One of `templates`, expanded. */
  say(templates: readonly string[], slots: Slots = {}): string {
    return expand(this.template(templates), { model: this.modelName, ...slots }, this.random);
  }

  template(templates: readonly string[]): string {
    const first = templates.filter((one) => !one.startsWith(LATER));
    const heldOut = first.filter((one) => isHeldOut(one, TEMPLATES_HELD_OUT));
    const seen = first.filter((one) => !isHeldOut(one, TEMPLATES_HELD_OUT));
    if (this.usesLater)
      seen.push(...templates.filter((one) => one.startsWith(LATER)).map((one) => one.slice(LATER.length)));
    if (this.#split === 'templates' && heldOut.length > 0 && (seen.length === 0 || this.random.chance(0.4))) {
      this.usedHeldOut = true;
      return this.random.pick(heldOut);
    }
    // A list may be held out as a whole by chance; then its first is everybody's.
    return seen.length > 0 ? this.random.pick(seen) : (templates[0] ?? '');
  }

  get modelName(): string {
    return wordsOfName(this.device.model).join(' ');
  }

  /** Of a numeric one, what is known of things of its name. */
  known({ name, unit }: Metric): KnownMetric | undefined {
    return KNOWN_METRICS.find((one) => one.name === name && one.unit === unit);
  }

  /** Whether no other metric of the device is `isSuch` too. */
  isOnly(metric: Metric, isSuch: (one: Metric) => boolean): boolean {
    return this.device.metrics.every((one) => one === metric || !isSuch(one));
  }
}
