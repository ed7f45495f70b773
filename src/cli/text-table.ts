/** Rows in aligned columns for a terminal; no trailing blanks, no newline at the end. */
export function textTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  { indent = 0 }: { indent?: number } = {},
): string {
  const lines = [heads, ...rows].map((row) => row.map(printable));
  const widths = heads.map((_, column) => Math.max(...lines.map((row) => row[column]?.length ?? 0)));
  return lines
    .map((row) => ' '.repeat(indent) + row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd())
    .join('\n');
}

/** Texts come from devices: control characters must not reach the terminal (escape sequences). */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd');
}
