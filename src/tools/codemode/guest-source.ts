import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

/** The JavaScript of a file of guest/: those run inside sandboxes, not here. They are ours, so their types are stripped in this thread. */
export function guestSource(name: 'realm' | 'prelude' | 'workerd-main' | 'quickjs-main'): string {
  const isTypeScript = import.meta.url.endsWith('.ts');
  const text = readFileSync(
    new URL(`./guest/${name}.${isTypeScript ? 'ts' : 'js'}`, import.meta.url),
    'utf8',
  );
  const code = isTypeScript ? stripQuietly(text) : text;
  // What an engine is given has no file names: modules are called `<name>.js`.
  return code.replaceAll(/(from '\.\/[a-z-]+)\.ts'/g, "$1.js'");
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

/** Prelude and realm as one script whose last expression is `prepare`: for an engine without our modules. */
export function preludeScript(): string {
  const modules = [guestSource('realm'), guestSource('prelude')].join('\n');
  const plain = modules.replaceAll(/^import [^;]*;$/gm, '').replaceAll(/^export /gm, '');
  return `(() => { 'use strict';\n${plain}\nreturn prepare; })()`;
}
