/** `setTarget`, `set-target`, `set_target 2` -> the words people say for it, lower case. */
export function wordsOf(name: string): string[] {
  return name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}.%]+/u)
    .filter((word) => word !== '');
}

const ABBREVIATIONS: Readonly<Record<string, string>> = {
  temp: 'temperature',
  temperatures: 'temperature',
  humid: 'humidity',
};

/** The longest of `names` that is said within `words`, and the words besides it. */
export function findName(
  words: readonly string[],
  names: readonly string[],
): { name: string; rest: string[] } | undefined {
  const said = words.flatMap((word) => wordsOf(ABBREVIATIONS[word] ?? word));
  let best: { name: string; rest: string[]; length: number } | undefined;
  for (const name of names) {
    const parts = wordsOf(name);
    if (parts.length === 0 || parts.length <= (best?.length ?? 0)) continue;
    const at = said.findIndex((_, start) => parts.every((part, index) => isSame(said[start + index], part)));
    if (at >= 0) best = { name, rest: said.toSpliced(at, parts.length), length: parts.length };
  }
  return best;
}

/** The same word, but for a plural. */
function isSame(said: string | undefined, word: string): boolean {
  return said === word || said === `${word}s` || (said !== undefined && `${said}s` === word);
}
