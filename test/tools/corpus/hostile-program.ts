/** A program that wants out, or wants the machine. `CANARY` in its code becomes a port of 127.0.0.1 nobody may reach. */
export interface HostileProgram {
  readonly name: string;
  readonly code: string;
}

/** One program a paragraph: `# name`, then its code. */
export function programsOf(text: string): HostileProgram[] {
  return text
    .split(/^# /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n');
      return { name: part.slice(0, end).trim(), code: part.slice(end + 1).trim() };
    });
}
