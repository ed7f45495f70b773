/**
 * Takes secrets out of everything that crosses the border of a sandbox, in either direction. What the program
 * never saw it cannot send out in another form, so answers and error texts of tools are cleaned before they go in.
 */
import { limits } from '../../base/limits.ts';
import type { Json } from './hostile-json.ts';

/** Removes secrets. Pure; the same input gives the same output, so that a replay sees what the first run saw. */
export interface Redactor {
  text(text: string): string;
  /** Strings and keys of `value`, however deep. */
  json(value: Json): Json;
}

const MARK = '[redacted]';
/** Shorter ones are words: redacting them would break ordinary text and tell their value by what is missing. */
const SECRET_CHARACTERS_MIN = 6;

/**
 * What looks like a secret whoever issued it. Every quantifier is bounded: the texts are hostile.
 * Sources: RFC 6750 (Bearer), RFC 7519 (JWT), RFC 7468 (PEM), RFC 3986 section 3.2.1 (userinfo), the issuers' documented prefixes.
 */
const SHAPES: readonly [RegExp, string][] = [
  [
    /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]{0,10000}?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
    MARK,
  ],
  [/\b(Bearer|Basic) +[A-Za-z0-9._~+/=-]{8,4096}/gi, `$1 ${MARK}`],
  [/\beyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,8192}\.[A-Za-z0-9_-]{8,2048}/g, MARK],
  [/\b(?:sk|pk|rk|ghp|gho|ghs|ghu|github_pat|glpat|xox[abprs]|hf|npm)[-_][A-Za-z0-9_-]{16,255}/g, MARK],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, MARK],
  [/\bAIza[A-Za-z0-9_-]{35}/g, MARK],
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@:"']{0,256}:[^\s/@"']{1,256}@/gi, `$1${MARK}@`],
  [
    /\b(password|passwd|secret|api[_-]?key|access[_-]?token|refresh[_-]?token|client[_-]?secret|authorization)(["']?\s{0,3}[=:]\s{0,3}["']?)[^\s"'&,;[\]{}]{4,1024}/gi,
    `$1$2${MARK}`,
  ],
];

/** @param secrets known ones: keys and tokens the host uses; their base64, hex and URL forms are found too */
export function createRedactor(secrets: readonly string[] = []): Redactor {
  const known = new Set(secrets.slice(0, limits.redactedSecretsMax).flatMap(formsOf));
  // The longest first: one secret may begin with another.
  const alternatives = [...known].sort((a, b) => b.length - a.length).map(escapePattern);
  const pattern = alternatives.length === 0 ? undefined : new RegExp(alternatives.join('|'), 'gi');
  const text = (input: string): string => {
    let output = pattern === undefined ? input : input.replace(pattern, MARK);
    for (const [shape, replacement] of SHAPES) output = output.replace(shape, replacement);
    return output;
  };
  return { text, json: (value) => redactJson(value, text) };
}

function formsOf(secret: string): string[] {
  if (secret.length < SECRET_CHARACTERS_MIN) return [];
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString('base64').replace(/=+$/, '');
  const forms = [
    secret,
    encodeURIComponent(secret.toWellFormed()),
    base64,
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
  return [...forms, JSON.stringify(secret).slice(1, -1), [...secret].reverse().join('')];
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

function redactJson(value: Json, text: (input: string) => string): Json {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.map((item: Json) => redactJson(item, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [text(key), redactMember(key, item, text)]),
  );
}

const SECRET_KEY =
  /^(password|passwd|secret|api[_-]?key|access[_-]?token|refresh[_-]?token|client[_-]?secret|authorization|private[_-]?key)$/i;

function redactMember(key: string, value: Json, text: (input: string) => string): Json {
  return typeof value === 'string' && value !== '' && SECRET_KEY.test(key) ? MARK : redactJson(value, text);
}
