/** What the prompt of a fleet says of its models: a line `- pump: vibration mm/s, running true|false` for each. */
import type { LanguageModelV4Prompt } from '../language-model.ts';
import { limits } from '../../base/limits.ts';

export interface FleetMetric {
  readonly name: string;
  readonly unit: string | undefined;
  /** Those it may have, where they are few. */
  readonly values: readonly string[];
}

/** Metrics by model. */
export type FleetModels = ReadonlyMap<string, readonly FleetMetric[]>;

/** The models a system prompt tells of; nothing that users or tools said. */
export function fleetModelsOf(prompt: LanguageModelV4Prompt): FleetModels {
  const text = prompt
    .flatMap((message) => (message.role === 'system' ? [message.content] : []))
    .join('\n')
    .slice(0, limits.modelRulesPromptCharactersMax);
  const models = new Map<string, readonly FleetMetric[]>();
  for (const [, model = '', metrics = ''] of text.matchAll(/^- ([a-z0-9-]{1,64}): (.+)$/gm))
    models.set(model, metrics.split(', ').map(metricOf));
  return models;
}

function metricOf(text: string): FleetMetric {
  const [name = '', said] = text.split(' ');
  const values = said?.includes('|') === true ? said.split('|') : [];
  return { name, unit: values.length > 0 ? undefined : said, values };
}

/** The metrics of one model, or of all: each name once. */
export function metricsOf(models: FleetModels, model: string | undefined): readonly FleetMetric[] {
  const all = model === undefined ? [...models.values()].flat() : (models.get(model) ?? []);
  return [...new Map(all.map((metric) => [metric.name, metric])).values()];
}
