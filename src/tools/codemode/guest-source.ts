import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

/** The JavaScript of a file of guest/: those run inside sandboxes, not here. They are ours, so their types are stripped in this thread. */
export function guestSource(name: 'prelude' | 'workerd-main'): string {
  const isTypeScript = import.meta.url.endsWith('.ts');
  const text = readFileSync(new URL(`./guest/${name}.${isTypeScript ? 'ts' : 'js'}`, import.meta.url), 'utf8');
  return isTypeScript ? stripQuietly(text) : text;
}

/** Node warns that its stripper may change; nobody can do anything about that, and nothing else runs meanwhile. */
function stripQuietly(text: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
  }
}
