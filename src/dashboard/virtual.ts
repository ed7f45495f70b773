/** Which rows of a long table exist in the document: those in sight and a few around them. */

export interface RowRange {
  /** First row shown. */
  readonly first: number;
  /** One past the last row shown. */
  readonly end: number;
}

/**
 * The rows to render of `rows` rows of `rowPx` pixels. `topPx` is where row 0 is, relative to the top of the
 * view (negative when scrolled past). The range starts at an even row, so that striping does not flicker.
 */
export function rowRange(rows: number, rowPx: number, topPx: number, viewPx: number, overscan = 8): RowRange {
  const first = Math.max(0, Math.floor(-topPx / rowPx) - overscan);
  const end = Math.min(rows, Math.ceil((viewPx - topPx) / rowPx) + overscan);
  const start = Math.min(first - (first % 2), Math.max(0, rows - 1));
  return { first: Math.max(0, start), end: Math.max(end, Math.max(0, start)) };
}
