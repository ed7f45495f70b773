/**
 * Holds a program against the declarations of its tools. A program is JavaScript with types in it, not a project: told
 * is only what goes wrong when it runs. That is a name or a tool that is not there, an argument that does not fit, a
 * member of an answer that no answer has. What a model may write because JavaScript takes it is not told: members added
 * to its own objects, texts that are not known to be one of a few, arithmetic with dates.
 * Runs in a thread of its own (check-thread.ts): the compiler meets hostile text.
 */
import type TypeScript from 'typescript';
import { limits } from '../../base/limits.ts';
import type { CompileError, ProgramStart } from './compile-text.ts';

export interface CheckedText {
  /** Body of a function of `env`, with its types. */
  readonly typed: string;
  readonly start: ProgramStart;
  /** The type of `env`. */
  readonly env: string;
}

const PROGRAM_FILE = '/program.ts';
const ENV_FILE = '/env.d.ts';
/** On a line of its own: lines and columns stay those of the text. */
const OPEN = 'export async function program(env: Env): Promise<Value> {';
const STARTS: Readonly<Record<ProgramStart, string>> = {
  '': '',
  'return(': 'return(',
  'let $default;': 'let $default: Run;',
};

/** `Value` gives a function that is the program the type of its parameter. */
const GLOBALS = `
type Run = (env: Env) => unknown;
type Value = Run | object | string | number | boolean | null | undefined | void;
declare const console: Record<'debug' | 'log' | 'info' | 'warn' | 'error', (...values: unknown[]) => void>;
declare function setTimeout(callback: (...args: any[]) => void, delayMs?: number, ...args: any[]): number;
declare function clearTimeout(id?: number): void;
`;

const UNKNOWN_NAMES: ReadonlySet<number> = new Set([2304, 2552, 2584]);
const UNKNOWN_MEMBERS: ReadonlySet<number> = new Set([2339, 2551]);
const WRONG_ARGUMENTS: ReadonlySet<number> = new Set([2322, 2345, 2353, 2554, 2561, 2739, 2740, 2741, 2820]);
/** A text or a list that was put into a variable first, which the compiler takes for any text or list. */
const WIDENED = /Type '(?:string|number)' is not assignable to type '["\d]|source may have fewer/;

/** The type of a whole group of tools says less than the rest of the sentence. */
const LONG_TYPE = /'(\{[^']{80})[^']+'/g;

export class TextChecker {
  readonly #ts: typeof TypeScript;
  readonly #options: TypeScript.CompilerOptions;
  readonly #host: TypeScript.CompilerHost;
  /** The language's own declarations, parsed once. */
  readonly #libraries = new Map<string, TypeScript.SourceFile | undefined>();
  #env: TypeScript.SourceFile | undefined;
  #program: TypeScript.SourceFile | undefined;

  constructor(ts: typeof TypeScript) {
    this.#ts = ts;
    const target = ts.ScriptTarget.ESNext;
    this.#options = { target, lib: ['lib.esnext.d.ts'], types: [], strict: false, noEmit: true };
    const host = ts.createCompilerHost(this.#options);
    this.#host = { ...host, getSourceFile: (name) => this.#sourceFile(name), writeFile: () => undefined };
  }

  /** What is wrong with it, at most `limits.programTypeErrorsMax`; places are those of the text. */
  check({ typed, start, env }: CheckedText): CompileError[] {
    const ts = this.#ts;
    const envText = `type Env = ${env};${GLOBALS}`;
    if (this.#env?.text !== envText) this.#env = this.#parse(ENV_FILE, envText);
    const opened = STARTS[start];
    this.#program = this.#parse(PROGRAM_FILE, `${OPEN}\n${opened}${typed}\n}`);
    const program = ts.createProgram([ENV_FILE, PROGRAM_FILE], this.#options, this.#host);
    if (program.getSyntacticDiagnostics(this.#program).length > 0) return []; // the other parser took it
    const checker = program.getTypeChecker();
    const told = program
      .getSemanticDiagnostics(this.#program)
      .filter((diagnostic) => this.#isTold(diagnostic, checker));
    return told.slice(0, limits.programTypeErrorsMax).map((diagnostic) => this.#errorOf(diagnostic, opened));
  }

  #parse(name: string, text: string): TypeScript.SourceFile {
    // With parents: who is told of looks upwards.
    return this.#ts.createSourceFile(name, text, this.#ts.ScriptTarget.ESNext, true);
  }

  #sourceFile(name: string): TypeScript.SourceFile | undefined {
    if (name === ENV_FILE) return this.#env;
    if (name === PROGRAM_FILE) return this.#program;
    if (!this.#libraries.has(name)) {
      const text = this.#ts.sys.readFile(name);
      this.#libraries.set(name, text === undefined ? undefined : this.#parse(name, text));
    }
    return this.#libraries.get(name);
  }

  #isTold(diagnostic: TypeScript.Diagnostic, checker: TypeScript.TypeChecker): boolean {
    const { code, file, start, messageText } = diagnostic;
    if (file !== this.#program || file === undefined || start === undefined) return false;
    if (UNKNOWN_NAMES.has(code)) return true;
    const node = this.#nodeAt(file, start);
    if (UNKNOWN_MEMBERS.has(code)) return this.#isMissing(node, checker);
    if (!WRONG_ARGUMENTS.has(code)) return false;
    if (WIDENED.test(this.#ts.flattenDiagnosticMessageText(messageText, '\n'))) return false;
    return this.#isInCallOfTool(node, checker);
  }

  /** The innermost node that begins there. */
  #nodeAt(file: TypeScript.SourceFile, start: number): TypeScript.Node {
    const within = (node: TypeScript.Node): TypeScript.Node =>
      this.#ts.forEachChild(node, (child) =>
        child.getStart(file) <= start && start < child.end ? within(child) : undefined,
      ) ?? node;
    return within(file);
  }

  /** A member that none of the types it may be taken from has. Those a program made itself may get more members. */
  #isMissing(node: TypeScript.Node, checker: TypeScript.TypeChecker): boolean {
    const access = node.parent;
    if (this.#ts.isBindingElement(access)) return true;
    if (!this.#ts.isPropertyAccessExpression(access)) return false;
    const type = checker.getTypeAtLocation(access.expression);
    const forms = type.isUnion() ? type.types : [type];
    if (forms.some((form) => checker.getPropertyOfType(form, node.getText()) !== undefined)) return false;
    return forms.some((form) => {
      const declarations = form.getSymbol()?.declarations ?? [];
      if (declarations.length === 0) return (form.flags & this.#ts.TypeFlags.Object) === 0;
      return declarations.some((declaration) => declaration.getSourceFile() !== this.#program);
    });
  }

  #isInCallOfTool(node: TypeScript.Node, checker: TypeScript.TypeChecker): boolean {
    for (let at: TypeScript.Node | undefined = node; at !== undefined; at = at.parent) {
      if (!this.#ts.isCallExpression(at)) continue;
      const declaration = checker.getResolvedSignature(at)?.declaration;
      if (declaration?.getSourceFile().fileName === ENV_FILE) return true;
    }
    return false;
  }

  #errorOf(diagnostic: TypeScript.Diagnostic, opened: string): CompileError {
    const { file, start = 0, messageText, relatedInformation = [] } = diagnostic;
    const hints = relatedInformation
      .map((hint) => this.#ts.flattenDiagnosticMessageText(hint.messageText, ' '))
      .filter((hint) => /\?$/.test(hint)); // such as: did you forget to use 'await'?
    const text = [this.#ts.flattenDiagnosticMessageText(messageText, ' '), ...hints].join(' ');
    const plain = text.replace(/\s+/g, ' ').replace(LONG_TYPE, "'$1…'");
    const message = plain.slice(0, limits.programTypeErrorCharactersMax).toWellFormed();
    const place = file?.getLineAndCharacterOfPosition(start) ?? { line: 0, character: 0 };
    // The text begins on the second line.
    const shift = place.line === 1 ? opened.length : 0;
    return { message, line: place.line, column: place.character - shift + 1 };
  }
}
