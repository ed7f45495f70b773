/** Bytes as people debug them. */

export interface HexLine {
  readonly offset: string;
  readonly hex: string;
  readonly text: string;
}

/** A hex dump, 16 bytes a line, non-printable bytes as "·"; at most `bytesMax` bytes. */
export function hexDump(bytes: Uint8Array, bytesMax = 4096): HexLine[] {
  const lines: HexLine[] = [];
  const end = Math.min(bytes.length, bytesMax);
  for (let at = 0; at < end; at += 16) {
    const part = bytes.subarray(at, Math.min(at + 16, end));
    lines.push({
      offset: at.toString(16).padStart(4, '0'),
      hex: Array.from(part, (byte) => byte.toString(16).padStart(2, '0')).join(' '),
      text: Array.from(part, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join(
        '',
      ),
    });
  }
  return lines;
}

/** "a0b1…" as bytes; null when it is not an even number of hex digits. */
export function fromHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return null;
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  );
}
