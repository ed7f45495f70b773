/**
 * What authors and applications import says what it is: every export of the two entry files, every public member of
 * their classes, the unit of every number, and the codes of the errors that a function throws.
 */
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { root } from './source-graph.ts';

const ENTRIES = ['src/index.ts', 'src/client/index.ts'];

/** What a docstring of a number names: its unit, or what it counts. */
const UNIT =
  /\b(ms|seconds?|bytes|characters|percent|how (many|often)|number|counts?|version|fraction|code|of its unit)\b|°|%/i;
/** A unit in a name, and the word for it. */
const NAMED_UNITS: readonly (readonly [suffix: RegExp, word: RegExp])[] = [
  [/Ms(Max|Min)?$/, /\bms\b/],
  [/Seconds(Max|Min)?$/, /\bseconds\b/],
  [/Bytes(Max|Min)?$/, /\bbytes\b/],
  [/Characters(Max|Min)?$/, /\bcharacters\b/],
];

interface Finding {
  readonly kind: 'undocumented' | 'unit' | 'errors';
  readonly what: string;
}

/** Checks everything reachable from `entries`, paths from the root. `sources` are files that need not exist. */
function findings(
  entries: readonly string[],
  sources: Readonly<Record<string, string>> = {},
): {
  readonly exports: number;
  readonly found: readonly Finding[];
} {
  const options = { ...readOptions(), noEmit: true };
  const host = ts.createCompilerHost(options, true);
  const { readFile, fileExists } = host;
  host.readFile = (path) => sources[path] ?? readFile(path);
  host.fileExists = (path) => path in sources || fileExists(path);
  const program = ts.createProgram(
    entries.map((path) => (path in sources ? path : join(root, path))),
    options,
    host,
  );
  const checker = program.getTypeChecker();
  const seen = new Set<ts.Symbol>();
  const members = new Set<ts.Declaration>();
  const found: Finding[] = [];
  for (const path of entries) {
    const file = program.getSourceFile(path in sources ? path : join(root, path));
    const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
    if (module === undefined) throw new Error(`${path} exports nothing`);
    for (const item of checker.getExportsOfModule(module)) {
      const symbol = item.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(item) : item;
      if (seen.has(symbol)) continue;
      seen.add(symbol);
      found.push(...check(symbol, checker, members));
    }
  }
  return { exports: seen.size, found };
}

function readOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: unknown; // TypeScript checks it below
  };
  return ts.parseJsonConfigFileContent(config, ts.sys, root).options;
}

function check(symbol: ts.Symbol, checker: ts.TypeChecker, seen: Set<ts.Declaration>): Finding[] {
  const name = symbol.getName();
  const declarations = symbol.declarations ?? [];
  const found: Finding[] = docOf(symbol) === '' ? [{ kind: 'undocumented', what: name }] : [];
  for (const declaration of declarations) {
    if (ts.isClassDeclaration(declaration)) found.push(...checkClass(symbol, checker, seen));
    else if (ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration))
      found.push(...numbersIn(declaration).flatMap((field) => checkUnit(`${name}.${nameOf(field)}`, field)));
    else if (ts.isFunctionDeclaration(declaration))
      found.push(...checkErrors(name, docOf(symbol), declaration, checker));
  }
  return found;
}

/** Also what it inherits from classes that are not exported. */
function checkClass(symbol: ts.Symbol, checker: ts.TypeChecker, seen: Set<ts.Declaration>): Finding[] {
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  return checker.getPropertiesOfType(type).flatMap((member) => {
    const declarations = (member.declarations ?? []).filter(isOurs);
    // Of Error and its like; keyed by a symbol; private.
    if (declarations.length === 0 || /^__@|^#|^__#/.test(member.getName())) return [];
    if (declarations.some((node) => ts.getCombinedModifierFlags(node) & HIDDEN || seen.has(node))) return [];
    for (const node of declarations) seen.add(node);
    const what = `${symbol.getName()}.${member.getName()}`;
    const doc = docOf(member) || inheritedDoc(type, member.getName(), checker);
    if (doc === '') return [{ kind: 'undocumented', what } as const];
    return declarations.flatMap((node) => [
      ...(ts.isPropertyDeclaration(node) && hasNumber(node) ? checkUnit(what, node) : []),
      // What all of a class throw is said once, on the class.
      ...checkErrors(what, docOf(symbol) + doc, node, checker),
    ]);
  });
}

const HIDDEN = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;

function isOurs(node: ts.Node): boolean {
  return !node.getSourceFile().fileName.includes('node_modules');
}

function inheritedDoc(type: ts.Type, member: string, checker: ts.TypeChecker): string {
  for (const base of type.getBaseTypes() ?? []) {
    const inherited = checker.getPropertyOfType(base, member);
    const doc = inherited === undefined ? '' : docOf(inherited) || inheritedDoc(base, member, checker);
    if (doc !== '') return doc;
  }
  return '';
}

/** The docstring with its tags; empty when it says nothing in words. */
function docOf(symbol: ts.Symbol): string {
  return (symbol.declarations ?? []).map(docstring).join('');
}

function docstring(node: ts.Node): string {
  const owner = ts.isVariableDeclaration(node) ? node.parent.parent : node;
  const comments = ts.getJSDocCommentsAndTags(owner).map((part) => part.getText());
  return comments
    .join('\n')
    .replace(/@public|\/\*\*|\*\/|^\s*\*/gm, '')
    .trim();
}

function numbersIn(declaration: ts.Node): ts.PropertySignature[] {
  const fields: ts.PropertySignature[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertySignature(node) && hasNumber(node)) fields.push(node);
    ts.forEachChild(node, visit);
  };
  visit(declaration);
  return fields;
}

/** A number, or maybe none; not a function or an object with one. */
function hasNumber({ type }: { readonly type?: ts.TypeNode | undefined }): boolean {
  if (type === undefined) return false;
  const kinds = ts.isUnionTypeNode(type) ? type.types : [type];
  return kinds.some(({ kind }) => kind === ts.SyntaxKind.NumberKeyword);
}

function nameOf(node: ts.NamedDeclaration): string {
  return node.name?.getText() ?? '';
}

/** The docstring of the field says it, or one around it that names the field. */
function checkUnit(what: string, node: ts.NamedDeclaration): Finding[] {
  const [, word = UNIT] = NAMED_UNITS.find(([suffix]) => suffix.test(what)) ?? [];
  if (word.test(docstring(node))) return [];
  for (let around: ts.Node = node.parent; !ts.isSourceFile(around); around = around.parent) {
    const doc = docstring(around);
    if (doc.includes(`\`${nameOf(node)}\``) && word.test(doc)) return [];
  }
  return [{ kind: 'unit', what }];
}

/** The codes a function throws itself, and those that what it calls says it throws. */
function checkErrors(what: string, doc: string, node: ts.Node, checker: ts.TypeChecker): Finding[] {
  const missing = new Set<string>();
  const note = (text: string): void => {
    for (const [code] of text.matchAll(/BRG_[A-Z_]+/g)) if (!doc.includes(code)) missing.add(code);
  };
  const visit = (inner: ts.Node): void => {
    if (ts.isTryStatement(inner) && inner.catchClause !== undefined) return visit(inner.catchClause);
    if (ts.isNewExpression(inner) && inner.expression.getText() === 'BridgeError')
      note(inner.arguments?.[0]?.getText() ?? '');
    if (ts.isCallExpression(inner)) {
      const callee = checker.getResolvedSignature(inner)?.declaration;
      if (callee !== undefined && isOurs(callee)) note(throwsOf(callee));
    }
    ts.forEachChild(inner, visit);
  };
  visit(node);
  return Array.from(missing, (code) => ({ kind: 'errors', what: `${what} ${code}` }));
}

function throwsOf(callee: ts.Node): string {
  return ts
    .getJSDocTags(callee)
    .filter(({ tagName }) => tagName.text === 'throws')
    .map((tag) => tag.getText())
    .join('\n');
}

describe('what is exported to authors and applications', () => {
  const { exports, found } = findings(ENTRIES);
  const of = (kind: Finding['kind']): string[] =>
    found.filter((finding) => finding.kind === kind).map(({ what }) => what);

  it('says what it is', () => {
    expect(exports).toBeGreaterThan(60);
    expect(of('undocumented')).toEqual([]);
  });

  it('names the unit of each number', () => {
    expect(of('unit')).toEqual([]);
  });

  it('names the codes of its errors', () => {
    expect(of('errors')).toEqual([]);
  });

  it('is reported when it does not', () => {
    const file = `
      import { BridgeError } from '${join(root, 'src/base/errors.ts')}';
      class Base {
        inherited() {}
        /** Fine. */
        fine(): void {}
        #hidden() {}
        private secret() {}
      }
      /** A class. */
      export class Bad extends Base {
        plain = 1;
        override fine() {}
        /** Soon. */
        waitMs: number = 1;
      }
      export interface Lonely { readonly name: string }
      /** A shape. */
      export interface Shape {
        /** How many. */
        n: number;
        bytes: number | null;
        /** Long. */
        sizeBytes?: number;
        f(): number;
      }
      /** @throws BridgeError BRG_BUSY */
      function deep(): void { throw new BridgeError('BRG_BUSY', ''); }
      /** Throws. @throws BridgeError BRG_RETRY */
      export function thrower(): void { deep(); throw new BridgeError('BRG_JOB', ''); }
      /** Catches. */
      export function catcher(): void { try { deep(); } catch { return; } }
      /** @public */
      export const mute = () => {};
    `;
    const path = join(root, 'made-up.ts');
    const reported = findings([path], { [path]: file }).found.map(({ kind, what }) => `${kind} ${what}`);
    expect(reported.sort()).toEqual(
      [
        'undocumented Bad.plain',
        'unit Bad.waitMs',
        'undocumented Bad.inherited',
        'undocumented Lonely',
        'unit Shape.bytes',
        'unit Shape.sizeBytes',
        'errors thrower BRG_BUSY',
        'errors thrower BRG_JOB',
        'undocumented mute',
      ].sort(),
    );
  });
});
