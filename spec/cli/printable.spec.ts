import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fieldValue, printable, printableLines } from '../../lib/cli/printable.ts';

describe('Text of a peer on a terminal', () => {
  it('has escapes in place of what a terminal would act on', () => {
    assert.equal(
      printable('\u001b[2J\u0007a\nb\u009b31m\u202ec\u007f'),
      '\\u001b[2J\\u0007a\\u000ab\\u009b31m\\u202ec\\u007f',
    );
    assert.equal(printable('21.5 °C, grüße 你好'), '21.5 °C, grüße 你好');
    assert.equal(printableLines('a\n\u001bb'), 'a\n\\u001bb');
  });

  it('never has a control character, and stays the same JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.ok(!/\p{Cc}/u.test(printable(text)));
        assert.equal(JSON.parse(printable(JSON.stringify(text))), text);
      }),
      { numRuns: 1_000 },
    );
  });

  it('cannot forge a field', () => {
    assert.equal(fieldValue('sensor-1'), 'sensor-1');
    assert.equal(fieldValue('coaps://[::1]:5684'), 'coaps://[::1]:5684');
    assert.equal(fieldValue('a replaced=true'), '"a replaced=true"');
    assert.equal(fieldValue('a"b'), '"a\\"b"');
    assert.equal(fieldValue(''), '""');
    assert.equal(fieldValue(7), '7');
    assert.equal(fieldValue(['/3/0']), '["/3/0"]');
  });
});
