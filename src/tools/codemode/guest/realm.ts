/**
 * Runs INSIDE a sandbox, before the program: empties the realm and makes it deterministic. Captures what the prelude
 * uses later, because the program may replace all of it.
 */
export const { apply } = Reflect;
const { construct, getPrototypeOf, ownKeys } = Reflect;
export const { defineProperty, freeze } = Object;
export const RealError = Error;
const RealDate = Date;
const { imul } = Math;
const RealProxy = Proxy;
export const [join, slice] = [Array.prototype.join, String.prototype.slice];
const { charCodeAt } = String.prototype;

/** Everything else a realm has is removed: what one engine has and the other has not, and what a program has no business with. */
const KEPT = new Set(
  (
    'Object Function Array Number Boolean String Symbol BigInt Math JSON Date RegExp Error AggregateError EvalError RangeError ' +
    'ReferenceError SyntaxError TypeError URIError SuppressedError Map Set WeakMap WeakSet Promise Proxy Reflect Iterator Intl ' +
    'ArrayBuffer DataView Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array BigInt64Array ' +
    'BigUint64Array Float16Array Float32Array Float64Array Infinity NaN undefined isFinite isNaN parseFloat parseInt decodeURI ' +
    'decodeURIComponent encodeURI encodeURIComponent escape unescape globalThis DisposableStack AsyncDisposableStack'
  ).split(' '),
);
const NETWORK = ['fetch', 'WebSocket', 'XMLHttpRequest', 'EventSource', 'caches', 'connect'];

/** Leaves what the language itself has, and says of the network that there is none. */
export function emptyRealm(): void {
  for (let holder: object | null = globalThis; holder !== null && holder !== Object.prototype;) {
    for (const key of ownKeys(holder)) {
      if (typeof key === 'symbol' || KEPT.has(key)) continue;
      if (!Reflect.deleteProperty(holder, key)) Reflect.set(holder, key, undefined);
    }
    holder = getPrototypeOf(holder);
  }
  for (const name of NETWORK) {
    setGlobal(name, () => {
      throw new RealError(`${name}: there is no network in Code Mode; call the tools in env`);
    });
  }
}

/** A global as the language has its own: not enumerable. */
export function setGlobal(name: string, value: unknown): void {
  defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

/** mulberry32: the same numbers for the same seed in every engine. */
export function seedRandom(seed: number): void {
  let state = seed | 0;
  Math.random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Time stands still at `nowMs`. */
export function fixTime(nowMs: number): void {
  function FixedDate(...args: unknown[]): unknown {
    if (new.target === undefined) return new RealDate(nowMs).toString();
    return construct(RealDate, args.length === 0 ? [nowMs] : args, new.target);
  }
  FixedDate.prototype = RealDate.prototype;
  defineProperty(FixedDate, 'length', { value: 7 });
  defineProperty(FixedDate, 'name', { value: 'Date' });
  FixedDate.now = () => nowMs;
  FixedDate.parse = RealDate.parse;
  FixedDate.UTC = RealDate.UTC;
  RealDate.prototype.constructor = FixedDate;
  setGlobal('Date', FixedDate);
  if (typeof Intl === 'object') fixDateFormat(nowMs);
}

/** A date format without a date means now. */
function fixDateFormat(nowMs: number): void {
  const { prototype } = Intl.DateTimeFormat;
  const getFormat = Object.getOwnPropertyDescriptor(prototype, 'format')?.get;
  const { formatToParts } = prototype;
  if (getFormat === undefined) return;
  defineProperty(prototype, 'format', {
    configurable: true,
    get(this: Intl.DateTimeFormat) {
      const format: unknown = apply(getFormat, this, []);
      return (date?: unknown) => apply(format as () => unknown, undefined, [date ?? nowMs]); // a bound function, ECMA-402 11.3.3
    },
  });
  prototype.formatToParts = function (date) {
    return apply(formatToParts, this, [date ?? nowMs]);
  };
}

/** UTF-8 bytes of JSON text are at most three per unit; exact counting is the host's. */
export function isLonger(json: string, bytesMax: number): boolean {
  if (json.length > bytesMax) return true;
  if (json.length * 3 <= bytesMax) return false;
  let bytes = 0;
  for (let i = 0; i < json.length; i++) {
    const unit: number = apply(charCodeAt, json, [i]);
    bytes += unit < 0x80 ? 1 : unit < 0x800 ? 2 : unit >= 0xd800 && unit < 0xe000 ? 2 : 3;
  }
  return bytes > bytesMax;
}

/** `members`, where a name that is not there says which are: a model corrects itself by the error. */
export function named(members: Record<string, unknown>, path: string): unknown {
  freeze(members);
  return new RealProxy(members, {
    get(_target, key) {
      if (typeof key === 'symbol' || key === 'then' || key === 'toJSON') return undefined;
      const member = members[key];
      if (member !== undefined) return member;
      throw new RealError(
        `${path} has no ${key}; it has: ${apply(slice, apply(join, ownKeys(members), [', ']), [0, 500])}`,
      );
    },
  });
}
