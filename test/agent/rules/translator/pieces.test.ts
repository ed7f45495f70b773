import { describe, expect, it } from 'vitest';
import { piecesOf } from '../../../../src/agent/rules/translator/pieces.ts';

/** The pieces in short: words as they are, spans as what they mean. */
function short(sentence: string): string {
  return piecesOf(sentence)
    .map((piece) => {
      switch (piece.kind) {
        case 'word':
          return piece.word;
        case 'number':
          return `N(${piece.value}${piece.unit === undefined ? '' : ` ${piece.unit}`})`;
        case 'duration':
          return `D(${piece.ms})`;
        case 'time':
          return `T(${piece.time})`;
        case 'window':
          return `W(${piece.between.join('-')})`;
        case 'days':
          return `Y(${piece.days.join()})`;
        case 'text':
          return `Q(${piece.text})`;
      }
    })
    .join(' ');
}

describe('pieces of a sentence', () => {
  it.each([
    ['above 30 °C', 'above N(30 °c)'],
    ['over 2.5kW', 'over N(2.5 kw)'],
    ['under minus 5 degrees', 'under N(-5 °c)'],
    ['past thirty five percent', 'past N(35 %)'],
    ['more than 1,500 W', 'more than N(1500 w)'],
    ['0,5 bar', 'N(0.5 bar)'],
    ['b12 is 3', 'b12 is N(3)'],
  ])('reads the number with its unit in "%s"', (sentence, pieces) => {
    expect(short(sentence)).toBe(pieces);
  });

  it.each([
    ['for 10 seconds', 'for D(10000)'],
    ['for half an hour', 'for D(1800000)'],
    ['for 1 hour and 30 minutes', 'for D(5400000)'],
    ['for 1h30m', 'for D(5400000)'],
    ['in a couple of minutes', 'in D(120000)'],
    ['twenty minutes', 'D(1200000)'],
    ['5 bar per minute', 'N(5 bar) per D(60000)'],
    ['2 a minute', 'N(2) D(60000)'],
    ['2 A', 'N(2 a)'],
  ])('reads the duration in "%s"', (sentence, pieces) => {
    expect(short(sentence)).toBe(pieces);
  });

  it.each([
    ['between 22:00 and 6:00', 'between T(22:00) and T(06:00)'],
    ['from 10pm to 6 am', 'from T(22:00) to T(06:00)'],
    ['8 to 10 pm', 'T(20:00) T(22:00)'],
    ['9 to 5 pm', 'T(09:00) T(17:00)'],
    ['at noon', 'at T(12:00)'],
    ['at 12 am', 'at T(00:00)'],
    ['7 in the evening', 'T(19:00)'],
    ['at night', 'W(22:00-06:00)'],
    ['on Mon-Fri', 'on Y(mon,tue,wed,thu,fri)'],
    ['on saturdays and sundays', 'on Y(sat,sun)'],
    ['at the weekend', 'at the Y(sat,sun)'],
  ])('reads the time in "%s"', (sentence, pieces) => {
    expect(short(sentence)).toBe(pieces);
  });

  it('keeps a quoted text as it is, and its numbers out of the sentence', () => {
    expect(short('alert "Above 30 for 5 min" now')).toBe('alert Q(Above 30 for 5 min) now');
  });

  it('writes contractions out', () => {
    expect(short("it isn't hot, we're fine, can't and won't")).toBe(
      'it is not hot , we are fine , can not and will not',
    );
  });
});
