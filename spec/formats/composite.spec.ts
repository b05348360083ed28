import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, fromHex, toHex, utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import {
  CONTENT_FORMATS,
  type EntryChange,
  FormatError,
  decodeChanges,
  decodePaths,
  encodeChanges,
  encodePaths,
} from '../../lib/formats/index.ts';
import { MAX_ID, Path } from '../../lib/model/index.ts';
import { assertSameEntries, assertValueOrDecodeError, compositeEntries, vectorEntries } from './support.ts';
import vectors from './vectors-1.2.json' with { type: 'json' };

const { senmlJson, senmlCbor, senmlEtchJson, senmlEtchCbor, lwm2mCbor } = CONTENT_FORMATS;
const FORMATS = [senmlJson, senmlCbor, senmlEtchJson, senmlEtchCbor, lwm2mCbor];
const WITH_REMOVALS = [senmlEtchJson, senmlEtchCbor, lwm2mCbor];
const unknown = (): undefined => undefined;

const anyPath = fc.array(fc.oneof(fc.nat(3), fc.nat(MAX_ID)), { maxLength: 4 }).map((ids) => Path.of(...ids));
const anyPaths = fc.uniqueArray(anyPath, { selector: (path) => path.toString(), maxLength: 6 });

describe('composite requests', () => {
  describe('paths without values', () => {
    for (const { json, paths, ...flags } of vectors.paths) {
      it(`reads and writes the specification's ${json.slice(0, 40)}`, () => {
        for (const format of [senmlJson, senmlEtchJson]) {
          assert.deepEqual(decodePaths(format, utf8Encode(json)).map(String), paths);
          const written = utf8Decode(
            encodePaths(
              format,
              paths.map((path) => Path.parse(path)),
            ),
          );
          if (!('decodeOnly' in flags)) assert.equal(written, json);
        }
      });
    }

    it('writes them in CBOR', () => {
      const paths = [Path.of(3, 0, 0), Path.of(1)];
      assert.equal(toHex(encodePaths(senmlEtchCbor, paths)), '82a100662f332f302f30a100622f31');
      assert.equal(toHex(encodePaths(lwm2mCbor, paths)), 'a283030000f601f6');
    });

    it('round-trips any', () => {
      fc.assert(
        fc.property(anyPaths, fc.constantFrom(...FORMATS.slice(0, 4)), (paths, format) => {
          assert.deepEqual(decodePaths(format, encodePaths(format, paths)).map(String), paths.map(String));
        }),
        { numRuns: 1_000 },
      );
    });

    it('round-trips in LwM2M CBOR what it can name', () => {
      fc.assert(
        fc.property(anyPaths, (paths) => {
          let bytes: Uint8Array;
          try {
            bytes = encodePaths(lwm2mCbor, paths);
          } catch (error) {
            assert.ok(error instanceof FormatError);
            const overlap = paths.some((path) => paths.some((other) => path !== other && path.contains(other)));
            return assert.ok(overlap || paths.some((path) => path.ids.length === 0));
          }
          assert.deepEqual(decodePaths(lwm2mCbor, bytes).map(String).sort(), paths.map(String).sort());
        }),
        { numRuns: 1_000 },
      );
    });

    const malformed: [format: number, payload: string, message: RegExp][] = [
      [senmlEtchJson, '[{"n":"/3/0/0","v":1}]', /\/3\/0\/0: expected a path without value, found v/],
      [senmlEtchJson, '[{"n":"/3/0/0","vs":null}]', /\/3\/0\/0: expected a path without value, found vs/],
      [senmlEtchJson, '[{"n":"/3"},{"n":"/3"}]', /\/3: expected it once/],
      [senmlEtchJson, '[{"n":"/3","t":-5}]', /record 0: time: expected none/],
      [senmlEtchJson, '[{"n":"/3/0/0/0/0"}]', /at most 4 ids/],
    ];
    for (const [format, payload, message] of malformed) {
      it(`refuses ${payload}`, () => assert.throws(() => decodePaths(format, utf8Encode(payload)), message));
    }

    it('refuses a value in LwM2M CBOR', () => {
      assert.throws(() => decodePaths(lwm2mCbor, fromHex('a18303000001')), /\/3\/0\/0: expected null/);
    });
  });

  describe('changes', () => {
    for (const vector of vectors.changes) {
      it("reads and writes the specification's example", () => {
        const { entries, shapeOf } = vectorEntries(vector);
        for (const format of [senmlJson, senmlEtchJson]) {
          assertSameEntries(decodeChanges(format, utf8Encode(vector.json), shapeOf) as never, entries);
          assert.equal(utf8Decode(encodeChanges(format, entries, shapeOf)), vector.json);
        }
      });
    }

    const removal: EntryChange[] = [
      { path: Path.of(9, 0, 6, 1), value: null },
      { path: Path.of(9, 0, 5), value: 1 },
    ];

    it('takes resource instances away by null, in formats that say so', () => {
      for (const format of WITH_REMOVALS) {
        assert.deepEqual(decodeChanges(format, encodeChanges(format, removal, unknown), unknown), removal);
      }
      for (const format of [senmlJson, senmlCbor]) {
        assert.throws(() => encodeChanges(format, removal, unknown), FormatError);
      }
      assert.throws(() => decodeChanges(senmlJson, utf8Encode('[{"n":"/9/0/6/1","v":null}]'), unknown), DecodeError);
      assert.throws(() => decodeChanges(senmlCbor, fromHex('81a200682f392f302f362f3102f6'), unknown), DecodeError);
    });

    it('reads null in any value field', () => {
      for (const label of ['v', 'vs', 'vb', 'vd', 'vlo']) {
        const changes = decodeChanges(senmlEtchJson, utf8Encode(`[{"n":"/9/0/6/1","${label}":null}]`), unknown);
        assert.deepEqual(changes, [{ path: Path.of(9, 0, 6, 1), value: null }]);
      }
    });

    const malformed: [json: string, message: RegExp][] = [
      ['[{"n":"/9/0/6/1","v":null,"vs":"x"}]', /one value field, found v and vs/],
      ['[{"n":"/9/0/6/1","v":null,"vs":null}]', /one value field, found v and vs/],
      ['[{"n":"/9/0/6/1","v":null},{"n":"/9/0/6/1","v":1}]', /expected it once/],
      ['[{"n":"/9/0/6/1","v":[null]}]', /v: expected a number, found an array or an object/],
      ['[{"n":"/9/0","v":null}]', /the path of a resource/],
      ['[{"n":"/9/0/6/1","v":1,"t":-5}]', /record 0: time: expected none/],
      ['[{"n":"/9/0/6/1"}]', /one value field, found none/],
    ];
    for (const [json, message] of malformed) {
      it(`refuses ${json}`, () => {
        assert.throws(() => decodeChanges(senmlEtchJson, utf8Encode(json), unknown), message);
      });
    }

    it('round-trips any, removals among them', () => {
      fc.assert(
        fc.property(compositeEntries, fc.infiniteStream(fc.boolean()), ({ entries, shapeOf }, coins) => {
          const changes = entries.map((entry): EntryChange => (coins.next().value ? { ...entry, value: null } : entry));
          for (const format of WITH_REMOVALS) {
            const read = decodeChanges(format, encodeChanges(format, changes, shapeOf), shapeOf);
            const byPath = new Map(read.map((change) => [change.path.toString(), change]));
            for (const { path, value } of changes) {
              if (value === null) assert.equal(byPath.get(path.toString())!.value, null);
              else assertSameEntries([byPath.get(path.toString()) as never], [{ path, value }]);
            }
            assert.equal(read.length, changes.length);
          }
        }),
        { numRuns: 1_000 },
      );
    });
  });

  it('gives paths and changes or a DecodeError for any bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.json().map(utf8Encode)),
        fc.constantFrom(...FORMATS),
        (input, format) => {
          assertValueOrDecodeError(() => decodePaths(format, input));
          assertValueOrDecodeError(() => decodeChanges(format, input, unknown));
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
