/**
 * The little of Markdown that models write most: paragraphs, headings, lists, code, bold. It gives data, never HTML:
 * what a model says is shown as text. Links and pictures stay the text they are, so that nothing leads away.
 */
export type Inline = { readonly kind: 'text' | 'code' | 'strong' | 'emphasis'; readonly text: string };

export type Block =
  | { readonly kind: 'paragraph' | 'heading'; readonly inlines: readonly Inline[] }
  | { readonly kind: 'list'; readonly isOrdered: boolean; readonly items: readonly (readonly Inline[])[] }
  | { readonly kind: 'code'; readonly text: string };

const FENCE = /^\s*```/;
const HEADING = /^#{1,6}\s+(.*?)\s*#*$/;
const ITEM = /^\s*(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;
const TABLE_ROW = /^\s*\|.*\|\s*$/;
/** Code first: nothing means anything in it. */
const INLINE = /`([^`]+)`|\*\*(?=\S)(.+?)\*\*|(?<![\w*])\*(?=\S)([^*\n]*[^*\s])\*(?![\w*])/g;

/** Also of text that is still being written: what is open ends with it. */
export function parseMarkdown(source: string): readonly Block[] {
  const lines = source.replaceAll('\r\n', '\n').split('\n');
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (line.trim() === '') {
      at++;
      continue;
    }
    const [block, next] = blockAt(lines, at, line);
    blocks.push(block);
    at = next;
  }
  return blocks;
}

function blockAt(lines: readonly string[], at: number, line: string): readonly [Block, number] {
  if (FENCE.test(line)) {
    const end = lines.findIndex((other, index) => index > at && FENCE.test(other));
    const stop = end < 0 ? lines.length : end;
    return [{ kind: 'code', text: lines.slice(at + 1, stop).join('\n') }, stop + 1];
  }
  if (TABLE_ROW.test(line)) {
    const stop = endOf(lines, at, (other) => TABLE_ROW.test(other));
    return [{ kind: 'code', text: lines.slice(at, stop).join('\n') }, stop];
  }
  const heading = HEADING.exec(line);
  if (heading !== null) return [{ kind: 'heading', inlines: parseInline(heading[1] ?? '') }, at + 1];
  if (ITEM.test(line)) return listAt(lines, at);
  const stop = endOf(lines, at, (other) => other.trim() !== '' && !isOther(other));
  return [{ kind: 'paragraph', inlines: parseInline(lines.slice(at, stop).join('\n')) }, stop];
}

function listAt(lines: readonly string[], at: number): readonly [Block, number] {
  const isOrdered = ITEM.exec(lines[at] ?? '')?.[1] !== undefined;
  const items: string[] = [];
  let next = at;
  for (; next < lines.length; next++) {
    const line = lines[next] ?? '';
    const item = ITEM.exec(line);
    if (item !== null) items.push(item[2] ?? '');
    // A line that is indented belongs to its item.
    else if (/^\s+\S/.test(line)) items.push(`${items.pop() ?? ''}\n${line.trim()}`);
    else break;
  }
  return [{ kind: 'list', isOrdered, items: items.map(parseInline) }, next];
}

function isOther(line: string): boolean {
  return FENCE.test(line) || HEADING.test(line) || ITEM.test(line) || TABLE_ROW.test(line);
}

/** The first line after `at` that does not go on. */
function endOf(lines: readonly string[], at: number, goesOn: (line: string) => boolean): number {
  const end = lines.findIndex((line, index) => index > at && !goesOn(line));
  return end < 0 ? lines.length : end;
}

function parseInline(text: string): readonly Inline[] {
  const inlines: Inline[] = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > at) inlines.push({ kind: 'text', text: text.slice(at, match.index) });
    const [whole, code, strong, emphasis] = match;
    if (code !== undefined) inlines.push({ kind: 'code', text: code });
    else if (strong !== undefined) inlines.push({ kind: 'strong', text: strong });
    else inlines.push({ kind: 'emphasis', text: emphasis ?? '' });
    at = match.index + whole.length;
  }
  if (at < text.length) inlines.push({ kind: 'text', text: text.slice(at) });
  return inlines;
}
