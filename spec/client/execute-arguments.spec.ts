// Arguments of Execute, by the ABNF of LwM2M Core 1.2 §6.3.6 and its examples.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError } from '../../lib/bytes/index.ts';
import { parseExecuteArguments } from '../../lib/client/execute-arguments.ts';

describe('execute arguments', () => {
  const good: [string, [number, string | undefined][]][] = [
    ['', []],
    ['5', [[5, undefined]]],
    ["2='10.3'", [[2, '10.3']]],
    [
      "7,0='https://www.omaspecworks.org'",
      [
        [7, undefined],
        [0, 'https://www.omaspecworks.org'],
      ],
    ],
    ['0,1,2,3,4', [0, 1, 2, 3, 4].map((digit) => [digit, undefined])],
    ["0=''", [[0, '']]],
    ["1='a,b=c'", [[1, 'a,b=c']]],
  ];
  for (const [text, expected] of good) {
    it(`takes ${JSON.stringify(text)}`, () => assert.deepEqual([...parseExecuteArguments(text)], expected));
  }

  for (const text of [
    'x',
    '10',
    '0,',
    ',0',
    "0='",
    "0='a",
    '0=a',
    "0='a'b",
    "0=' '",
    "0='\\'",
    '0, 1',
    '0,0',
    '0 ',
    "0='é'",
    "'a'",
    "0='\n'",
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseExecuteArguments(text), { name: 'DecodeError', field: 'Execute arguments' });
    });
  }

  it('gives back what was written', () => {
    const character = fc.constantFrom(
      ...Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i)).filter((c) => !`"'\\`.includes(c)),
    );
    const value = fc.option(fc.string({ unit: character, maxLength: 8 }), { nil: undefined });
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(fc.nat(9), value), { selector: ([digit]) => digit }), (args) => {
        const text = args.map(([digit, given]) => (given === undefined ? `${digit}` : `${digit}='${given}'`)).join(',');
        assert.deepEqual([...parseExecuteArguments(text)], args);
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives a map or a DecodeError for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from("0123456789=',ab \\")) }), (text) => {
        try {
          assert.ok(parseExecuteArguments(text).size <= 10);
        } catch (error) {
          assert.ok(error instanceof DecodeError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
