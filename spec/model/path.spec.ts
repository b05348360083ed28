import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError } from '../../lib/bytes/index.ts';
import { MAX_ID, Path } from '../../lib/model/index.ts';

describe('Path', () => {
  it('reads and writes what requests name', () => {
    for (const text of ['/', '/3', '/3/0', '/3/0/6', '/3/0/6/1', '/65534/65534/65534/65534']) {
      assert.equal(Path.parse(text).toString(), text);
    }
    assert.equal(Path.parse('3/0').toString(), '/3/0');
    assert.equal(Path.parse(''), Path.root);
  });

  const malformed = ['/65535', '/03', '/-1', '/3//0', '/3/', '/3/0/6/1/2', '/a', '/3.0', '/ 3', '//'];
  for (const text of malformed) {
    it(`refuses ${text}`, () => assert.throws(() => Path.parse(text), DecodeError));
  }

  it('knows its parts, what is above and what is below', () => {
    const path = Path.of(3, 0, 6, 1);
    assert.deepEqual([path.object, path.instance, path.resource, path.resourceInstance], [3, 0, 6, 1]);
    assert.equal(path.level, 'resourceInstance');
    assert.equal(Path.root.level, 'root');
    assert.equal(path.prefix(2).toString(), '/3/0');
    assert.equal(path.prefix(9), path);
    assert.ok(Path.of(3).contains(path) && path.contains(path) && Path.root.contains(path));
    assert.ok(!path.contains(Path.of(3)) && !Path.of(3, 1).contains(path));
    assert.ok(path.equals(Path.parse('/3/0/6/1')) && !path.equals(Path.of(3, 0, 6)));
    assert.throws(() => path.child(0), RangeError);
    assert.throws(() => Path.of(MAX_ID + 1), RangeError);
    assert.throws(() => Path.of(0.5), RangeError);
  });

  it('cannot be changed through the ids it was made of', () => {
    const ids = [3, 0];
    const path = Path.of(...ids);
    ids[0] = 4;
    assert.equal(path.toString(), '/3/0');
  });

  it('round-trips, and refuses anything else with a DecodeError', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(MAX_ID), { maxLength: 4 }), fc.string(), (ids, text) => {
        assert.deepEqual(Path.parse(Path.of(...ids).toString()).ids, ids);
        try {
          Path.parse(text);
        } catch (error) {
          assert.ok(error instanceof DecodeError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
