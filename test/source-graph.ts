/** The project's TypeScript files with their imports and exports, for the tests that hold its structure. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

export const root = resolve(import.meta.dirname, '..');

/** One reference from a file to a module. */
export interface Reference {
  /** As written, e.g. `../base/errors.ts` or `node:fs`. */
  readonly specifier: string;
  /** Path from the root with `/`, when the module is a file of the project. */
  readonly target: string | null;
  /** Exported names it uses; null: all of them. */
  readonly names: readonly string[] | null;
  readonly line: number;
}

export interface Export {
  readonly name: string;
  readonly line: number;
  readonly isType: boolean;
  /** Whether its docstring says `@public`. */
  readonly isPublic: boolean;
}

export interface SourceFile {
  /** Path from the root with `/`. */
  readonly path: string;
  readonly lines: number;
  readonly references: readonly Reference[];
  readonly exports: readonly Export[];
  /** How often each identifier stands in the file. */
  readonly identifiers: ReadonlyMap<string, number>;
}

/** AssemblyScript: TypeScript by its looks, but neither its imports nor its rules. */
const KERNELS = 'src/inference/embedded/kernels/';

/** All .ts and .tsx files below these folders, and those of the root itself for '.'. */
export function readSources(folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) => listFiles(folder)).map(readSource);
}

function listFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: folder !== '.' })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => toPath(join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith(KERNELS))
    .sort();
}

function toPath(absolute: string): string {
  return relative(root, absolute).replaceAll('\\', '/');
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  return parseSource(path, text);
}

/** `path` is from the root; it need not exist. */
export function parseSource(path: string, text: string): SourceFile {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const references: Reference[] = [];
  const identifiers = new Map<string, number>();
  const visit = (node: ts.Node): void => {
    const found = referenceIn(node);
    if (found !== undefined) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      references.push({ ...found, target: targetOf(path, found.specifier), line: line + 1 });
    }
    if (ts.isIdentifier(node)) identifiers.set(node.text, (identifiers.get(node.text) ?? 0) + 1);
    ts.forEachChild(node, visit);
  };
  visit(source);
  const exports = source.statements.flatMap((statement) => exportsOf(statement, source));
  return { path, lines: text.split('\n').length - 1, references, exports, identifiers };
}

function targetOf(path: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  return toPath(resolve(root, dirname(path), specifier));
}

type Found = Pick<Reference, 'specifier' | 'names'>;

function referenceIn(node: ts.Node): Found | undefined {
  if (ts.isImportDeclaration(node)) return importIn(node);
  if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
    const clause = node.exportClause;
    const names =
      clause && ts.isNamedExports(clause)
        ? clause.elements.map((element) => (element.propertyName ?? element.name).text)
        : null;
    return { specifier: node.moduleSpecifier.text, names };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    const { literal } = node.argument;
    const names = node.qualifier && ts.isIdentifier(node.qualifier) ? [node.qualifier.text] : null;
    return ts.isStringLiteral(literal) ? { specifier: literal.text, names } : undefined;
  }
  const first = ts.isCallExpression(node) || ts.isNewExpression(node) ? node.arguments?.[0] : undefined;
  if (first === undefined || !ts.isStringLiteralLike(first)) return undefined;
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return { specifier: first.text, names: null };
  }
  // new Worker(new URL('./shard.ts', import.meta.url)) starts a module as much as an import does.
  const isUrl = ts.isNewExpression(node) && node.expression.getText() === 'URL';
  return isUrl && /^\.{1,2}\/.*\.tsx?$/.test(first.text) ? { specifier: first.text, names: null } : undefined;
}

function importIn(node: ts.ImportDeclaration): Found | undefined {
  if (!ts.isStringLiteral(node.moduleSpecifier)) return undefined;
  const names: string[] = [];
  const clause = node.importClause;
  if (clause?.name) names.push('default');
  const bindings = clause?.namedBindings;
  if (bindings && ts.isNamespaceImport(bindings))
    return { specifier: node.moduleSpecifier.text, names: null };
  if (bindings)
    names.push(...bindings.elements.map((element) => (element.propertyName ?? element.name).text));
  return { specifier: node.moduleSpecifier.text, names };
}

function exportsOf(statement: ts.Statement, source: ts.SourceFile): Export[] {
  const { line } = source.getLineAndCharacterOfPosition(statement.getStart(source));
  const comments = ts.getLeadingCommentRanges(source.text, statement.getFullStart()) ?? [];
  const isPublic = comments.some(({ pos, end }) => source.text.slice(pos, end).includes('@public'));
  const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
  return exportedNames(statement).map((name) => ({ name, line: line + 1, isType, isPublic }));
}

function exportedNames(statement: ts.Statement): string[] {
  if (ts.isExportAssignment(statement)) return ['default'];
  if (ts.isExportDeclaration(statement)) {
    const clause = statement.exportClause;
    if (clause === undefined) return [];
    return ts.isNamedExports(clause) ? clause.elements.map(({ name }) => name.text) : [clause.name.text];
  }
  if (!ts.canHaveModifiers(statement)) return [];
  const kinds = ts.getModifiers(statement)?.map(({ kind }) => kind) ?? [];
  if (!kinds.includes(ts.SyntaxKind.ExportKeyword)) return [];
  if (kinds.includes(ts.SyntaxKind.DefaultKeyword)) return ['default'];
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => boundNames(name));
  }
  const named = statement as ts.Statement & { name?: ts.Identifier }; // every other exported statement has a name
  return named.name ? [named.name.text] : [];
}

function boundNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? boundNames(element.name) : []));
}
