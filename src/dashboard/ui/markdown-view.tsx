/** Markdown as elements. Text only ever becomes text. */
import type { JSX } from 'preact';
import { parseMarkdown } from '../markdown.ts';
import type { Block, Inline } from '../markdown.ts';

export function Markdown({ source }: { source: string }): JSX.Element {
  return (
    <div class="markdown">
      {parseMarkdown(source).map((block, index) => (
        <BlockView key={index} block={block} />
      ))}
    </div>
  );
}

function BlockView({ block }: { block: Block }): JSX.Element {
  switch (block.kind) {
    case 'code':
      return (
        <pre class="code" tabIndex={0} aria-label="Code">
          {block.text}
        </pre>
      );
    case 'list': {
      const items = block.items.map((inlines, index) => (
        <li key={index}>
          <Inlines inlines={inlines} />
        </li>
      ));
      return block.isOrdered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
    case 'heading':
      return (
        <p class="markdown-heading">
          <Inlines inlines={block.inlines} />
        </p>
      );
    case 'paragraph':
      return (
        <p>
          <Inlines inlines={block.inlines} />
        </p>
      );
  }
}

function Inlines({ inlines }: { inlines: readonly Inline[] }): JSX.Element {
  return <>{inlines.map((inline, index) => inlineView(inline, index))}</>;
}

function inlineView({ kind, text }: Inline, key: number): JSX.Element | string {
  switch (kind) {
    case 'text':
      return text;
    case 'code':
      return <code key={key}>{text}</code>;
    case 'strong':
      return <strong key={key}>{text}</strong>;
    case 'emphasis':
      return <em key={key}>{text}</em>;
  }
}
