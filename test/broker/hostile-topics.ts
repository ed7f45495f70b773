/** Strings, topic names and filters, wrong and right. */
import { publish, subscribe, text, unsubscribe } from './packets.ts';
import { connect, first, later } from './sequence.ts';

/** Strings that are none: [MQTT-1.5.3-1], [MQTT-1.5.3-2] and what section 1.5.3 lets a server refuse. */
const BAD_TEXTS: Readonly<Record<string, readonly number[]>> = {
  'U+0000': [0x61, 0x00, 0x62],
  'U+0001': [0x01],
  'a line feed': [0x61, 0x0a],
  'U+001F': [0x1f],
  'U+007F': [0x7f],
  'U+0080': [0xc2, 0x80],
  'U+009F': [0xc2, 0x9f],
  'the surrogate U+D800': [0xed, 0xa0, 0x80],
  'the surrogate U+DFFF': [0xed, 0xbf, 0xbf],
  'a pair of surrogates (CESU-8)': [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
  'U+FDD0': [0xef, 0xb7, 0x90],
  'U+FDEF': [0xef, 0xb7, 0xaf],
  'U+FFFE': [0xef, 0xbf, 0xbe],
  'U+FFFF': [0xef, 0xbf, 0xbf],
  'U+1FFFE': [0xf0, 0x9f, 0xbf, 0xbe],
  'U+10FFFF': [0xf4, 0x8f, 0xbf, 0xbf],
  'U+110000': [0xf4, 0x90, 0x80, 0x80],
  'a continuation byte alone': [0x80],
  'a lead byte alone': [0x61, 0xc3],
  'a lead byte and ASCII': [0xc3, 0x28],
  'two of three bytes': [0xe2, 0x82],
  'three of four bytes': [0xf0, 0x9f, 0x98],
  'an overlong slash in two bytes': [0xc0, 0xaf],
  'an overlong NUL (modified UTF-8)': [0xc0, 0x80],
  'an overlong slash in three bytes': [0xe0, 0x80, 0xaf],
  'an overlong slash in four bytes': [0xf0, 0x80, 0x80, 0xaf],
  'the byte 0xFE': [0xfe],
  'the byte 0xFF': [0xff],
  'Latin-1': [0x66, 0xfc, 0x72],
  'a five byte form': [0xf8, 0x88, 0x80, 0x80, 0x80],
};

const GOOD_TEXTS: Readonly<Record<string, string>> = {
  umlauts: 'Kühlhaus/Süd',
  CJK: '温度',
  'an emoji': 'a/😀',
  'U+FEFF [MQTT-1.5.3-3]': '\u{feff}a',
  'U+00A0': 'a\u00a0b',
  'U+D7FF and U+E000': '\ud7ff\ue000',
  'U+FFFD': '\ufffd',
  'U+10000': '\u{10000}',
  'U+10FFFD': '\u{10fffd}',
};

export const textSequences = [
  ...Object.entries(BAD_TEXTS).flatMap(([name, codes]) => {
    const bad = Buffer.from(codes);
    const will = [text(bad), text('x')];
    return [
      first('closed', `client id with ${name}`, connect({ clientId: bad })),
      first('closed', `will topic with ${name}`, connect({ flags: 6, rest: will })),
      first('closed', `user name with ${name}`, connect({ flags: 0x82, rest: [text(bad)] })),
      later('closed', `topic with ${name}`, publish(bad)),
      later('closed', `filter with ${name}`, subscribe(bad)),
      later('closed', `filter of UNSUBSCRIBE with ${name}`, unsubscribe(bad)),
    ];
  }),
  ...Object.entries(GOOD_TEXTS).flatMap(([name, good]) => [
    first('open', `client id with ${name}`, connect({ clientId: good })),
    later('open', `topic with ${name}`, publish(good)),
    later('open', `filter with ${name}`, subscribe(good)),
  ]),
];

const BAD_FILTERS = [
  '',
  'a#',
  '#a',
  '#/',
  '#/a',
  'a/#/b',
  'a/b#',
  '##',
  '#/#',
  '+a',
  'a+',
  'a/+b',
  'a/b+',
  '++',
  '+/a+',
  'a/+/b#',
  '+#',
  '/+#',
];
const GOOD_FILTERS = [
  '#',
  '+',
  '/',
  '//',
  '+/+',
  '/+',
  '+/',
  'a/#',
  '/#',
  '+/#',
  'a/+/b',
  'a/+',
  '+/a/+',
  '$SYS/#',
  ' ',
  'a b',
  '$share/g/a',
];
const BAD_TOPICS = ['', '+', '#', 'a/+', 'a/#', 'a+b', 'a#', '+/a', '/#'];
const GOOD_TOPICS = ['/', '//', 'a', ' ', '/a', 'a/', 'a//b', '$x/y', 'x'.repeat(65_535)];

export const topicSequences = [
  ...BAD_FILTERS.flatMap((filter) => [
    later('closed', `SUBSCRIBE to "${filter}"`, subscribe(filter)),
    later('closed', `UNSUBSCRIBE from "${filter}"`, unsubscribe(filter)),
  ]),
  ...GOOD_FILTERS.flatMap((filter) => [
    later('open', `SUBSCRIBE to "${filter}"`, subscribe(filter)),
    later('open', `UNSUBSCRIBE from "${filter}"`, unsubscribe(filter)),
  ]),
  ...BAD_TOPICS.flatMap((topic) => [
    later('closed', `PUBLISH to "${topic}"`, publish(topic)),
    first('closed', `will for "${topic}"`, connect({ flags: 6, rest: [text(topic), text('x')] })),
  ]),
  ...GOOD_TOPICS.map((topic) => later('open', `PUBLISH to "${topic.slice(0, 9)}"`, publish(topic))),
];

export const levelSequences = [
  later('open', 'a topic of 100 levels', publish('/'.repeat(99))),
  later('closed', 'a topic of 101 levels', publish('/'.repeat(100))),
  later('closed', 'a topic of 65,535 slashes', publish('/'.repeat(65_535))),
  later('closed', 'a filter of 101 levels', subscribe('/'.repeat(100))),
];
