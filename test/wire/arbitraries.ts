import fc from 'fast-check';
import type { FieldSpec, Frame, FrameSpec, InboundFrame } from '../../src/wire/frames.ts';

const text = fc.string({ unit: 'binary', maxLength: 80 }).filter((value) => !value.startsWith('\uFEFF'));
const key = text.filter((value) => value !== '__proto__');
const number = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.float({ noNaN: true, noDefaultInfinity: true }),
    fc.maxSafeInteger(),
    fc.integer(),
    fc.integer({ min: -300, max: 300 }),
  )
  .map((value) => (Object.is(value, -0) ? 0 : value));

/** What both codecs can say. */
export const jsonValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    number,
    text,
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(key, tie('value'), { maxKeys: 30, noNullPrototype: true }),
  ),
})).value;

function fieldValue(field: FieldSpec): fc.Arbitrary<unknown> {
  switch (field.type) {
    case 'string':
      return text;
    case 'number':
      return number;
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(jsonValue, { maxLength: 5 });
    case 'object':
      return fc.dictionary(key, jsonValue, { maxKeys: 5, noNullPrototype: true });
    case 'any':
      return jsonValue;
    case 'text-or-map':
      return fc.oneof(
        text.filter((value) => !value.startsWith('{')),
        fc.dictionary(key, jsonValue, { maxKeys: 5, noNullPrototype: true }),
      );
  }
}

/** Frames of one row and direction, optional fields there or not. */
export function frameOf(row: FrameSpec, side: 'in' | 'out'): fc.Arbitrary<Frame & InboundFrame> {
  const fields = Object.entries(row.fields).filter(([, field]) => !field.only || field.only === side);
  const required = fields.filter(([, field]) => !field.optional).map(([name]) => name);
  const model = Object.fromEntries(fields.map(([name, field]) => [name, fieldValue(field)]));
  return fc
    .record(model, { requiredKeys: required, noNullPrototype: true })
    .map((values) => ({ type: row.type, ...values }) as Frame & InboundFrame); // built from its row
}
