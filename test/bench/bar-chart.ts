/** Bar charts as SVG without a library: readable in light and dark, and by screen readers. */

export interface BarChart {
  readonly title: string;
  /** What a reader who cannot see it is told; the table beside it has the numbers. */
  readonly description: string;
  readonly groups: readonly BarGroup[];
  readonly format: (value: number) => string;
}

interface BarGroup {
  readonly label: string;
  readonly bars: readonly { readonly label: string; readonly value: number; readonly isOurs: boolean }[];
}

const WIDTH = 720;
const LABEL_WIDTH = 170;
const VALUE_WIDTH = 90;
const BAR_HEIGHT = 16;
const BAR_STEP = 20;
const GROUP_GAP = 30;
const TOP = 34;

const STYLE = `
    text { font: 12px system-ui, sans-serif; fill: #1f2328 }
    .title { font-size: 14px; font-weight: 600 }
    .group { font-weight: 600 }
    .peer { fill: #8c959f }
    .ours { fill: #0969da }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .peer { fill: #6e7681 }
      .ours { fill: #4493f8 }
    }`;

/** The whole file. */
export function barChart({ title, description, groups, format }: BarChart): string {
  const greatest = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value)));
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / greatest;
  const lines: string[] = [];
  let y = TOP;
  for (const { label, bars } of groups) {
    lines.push(`<text class="group" x="0" y="${y + 12}">${escape(label)}</text>`);
    y += BAR_STEP;
    for (const bar of bars) {
      const width = Math.max(1, bar.value * scale).toFixed(1);
      const kind = bar.isOurs ? 'ours' : 'peer';
      lines.push(
        `<text x="${LABEL_WIDTH - 8}" y="${y + 12}" text-anchor="end">${escape(bar.label)}</text>`,
        `<rect class="${kind}" x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR_HEIGHT}"/>`,
        `<text x="${(LABEL_WIDTH + Number(width) + 6).toFixed(1)}" y="${y + 12}">${escape(format(bar.value))}</text>`,
      );
      y += BAR_STEP;
    }
    y += GROUP_GAP - BAR_STEP;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-labelledby="title description">
  <title id="title">${escape(title)}</title>
  <desc id="description">${escape(description)}</desc>
  <style>${STYLE}
  </style>
  <text class="title" x="0" y="16">${escape(title)}</text>
  ${lines.join('\n  ')}
</svg>
`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
