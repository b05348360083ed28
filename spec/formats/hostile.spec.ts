// The same attacks on every format: depth, lengths of 2^31 and more, what is given twice, values of other types, NaN and
// infinities, shared references. What a decoder gives is always of its type, below its base, and there once.

import assert from 'node:assert/strict';
import { Encoder } from 'cbor-x';
import fc from 'fast-check';
import {
  CONTENT_FORMATS,
  FormatError,
  type ResourceShape,
  type ShapeOf,
  decodeChanges,
  decodeEntries,
  decodeLinks,
  decodePaths,
  encodeChanges,
  encodeEntries,
  encodePaths,
} from '../../lib/formats/index.ts';
import { CborTag, type CborValue, DecodeError, encodeCbor, fromHex, utf8Encode } from '../../lib/bytes/index.ts';
import { type Entry, Path, type ResourceType, type Value, hasType } from '../../lib/model/index.ts';
import { VALUES, damaged, instanceEntries } from './support.ts';
import { deep, doubled, twice } from './hostile-payloads.ts';

const { text, opaque, cbor, tlv, legacyTlv, json, legacyJson, senmlJson, senmlCbor } = CONTENT_FORMATS;
const { senmlEtchJson, senmlEtchCbor, lwm2mCbor } = CONTENT_FORMATS;

const SINGLE = [text, opaque, cbor] as const;
const TREES = [tlv, legacyTlv, json, legacyJson, senmlJson, senmlCbor, lwm2mCbor] as const;
const COMPOSITE = [senmlJson, senmlCbor, senmlEtchJson, senmlEtchCbor, lwm2mCbor] as const;
const RUNS = { numRuns: 1_000 } as const;

const BASE = Path.of(9, 0);
const RESOURCE = BASE.child(1);
const TYPES = Object.keys(VALUES) as (keyof typeof VALUES)[];
const of =
  (type: ResourceType, multiple = false): ShapeOf =>
  () => ({ type, multiple });

/** Whether a payload is refused by a DecodeError or FormatError, and nothing else; else what it says. */
function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    assert.ok(error instanceof DecodeError || error instanceof FormatError, String(error));
    return undefined;
  }
}

function assertRefused(decode: () => unknown, what?: string): void {
  assert.equal(attempt(decode), undefined, what);
}

function assertSound(entries: readonly Entry[], base: Path, shapeOf: ShapeOf): void {
  const seen = new Set<string>();
  for (const { path, value, timestamp } of entries) {
    assert.ok(base.contains(path) && path.ids.length >= 3, `${path} below ${base}`);
    const shape = shapeOf(path.prefix(3));
    if (shape !== undefined) assert.ok(hasType(value, shape.type), `${path}: ${typeof value} for ${shape.type}`);
    assert.ok(timestamp === undefined || Math.abs(timestamp) <= 8.64e15);
    const key = `${path}@${timestamp}`;
    assert.ok(timestamp !== undefined || !seen.has(key), `${path} once`);
    seen.add(key);
  }
}

const shape: fc.Arbitrary<ResourceShape> = fc.record({
  type: fc.constantFrom<ResourceType>(...TYPES, 'none'),
  multiple: fc.boolean(),
  wide: fc.boolean(),
});
const shapes: fc.Arbitrary<ShapeOf> = fc
  .array(fc.option(shape, { nil: undefined }), { minLength: 4, maxLength: 4 })
  .map((all) => (path) => all[(path.resource ?? 0) % 4]);

describe('formats under attack', () => {
  for (const format of [...SINGLE, ...TREES]) {
    it(`${format}: what any bytes give is sound`, () => {
      const bases = fc.constantFrom(Path.of(9), BASE, RESOURCE, RESOURCE.child(2));
      fc.assert(
        fc.property(bases, shapes, fc.uint8Array({ maxLength: 80 }), (base, shapeOf, bytes) => {
          assertSound(attempt(() => decodeEntries(format, base, bytes, shapeOf)) ?? [], base, shapeOf);
        }),
        RUNS,
      );
    });
  }

  for (const format of TREES) {
    it(`${format}: what damage gives is sound, whatever the types are`, () => {
      const cases = instanceEntries.chain(({ base, entries, shapeOf }) =>
        fc.record({
          base: fc.constant(base),
          shapeOf: fc.oneof(fc.constant(shapeOf), shapes),
          bytes: damaged(encodeEntries(format, base, entries, shapeOf)),
        }),
      );
      fc.assert(
        fc.property(cases, ({ base, shapeOf, bytes }) => {
          assertSound(attempt(() => decodeEntries(format, base, bytes, shapeOf)) ?? [], base, shapeOf);
        }),
        RUNS,
      );
    });

    it(`${format}: a path twice is refused`, () => {
      fc.assert(
        fc.property(instanceEntries, fc.nat(), ({ base, entries, shapeOf }, at) => {
          const again = entries[at % entries.length]!;
          const bytes = twice(format, base, entries, again, shapeOf);
          assert.throws(() => decodeEntries(format, base, bytes, shapeOf), /expected (it|each key) once/);
        }),
        RUNS,
      );
    });
  }

  it('a base name without its slash is the same path, not another object (RFC 8428 §4.5.1)', () => {
    for (const [name, given] of [
      ['13/0/', '/13/0/1'],
      ['/13/0/', '/13/0/1'],
      ['13/', undefined],
      ['x3/0/', undefined],
      ['//3/0/', undefined],
    ] as const) {
      for (const [format, bytes] of [
        [senmlJson, utf8Encode(`[{"bn":"${name}","n":"1","v":1}]`)],
        [
          senmlCbor,
          encodeCbor([
            new Map<number, string | number>([
              [-2, name],
              [0, '1'],
              [2, 1],
            ]),
          ]),
        ],
      ] as const) {
        const entries = attempt(() => decodeEntries(format, Path.root, bytes, () => undefined));
        assert.deepEqual(
          entries?.map(({ path }) => `${path}`),
          given && [given],
          `${name} in ${format}`,
        );
      }
    }
  });

  it('nothing refers to a payload, also if that is a Buffer, whose own slice gives views', () => {
    const value = Uint8Array.of(1, 2, 3);
    for (const format of [opaque, cbor, tlv, senmlCbor, lwm2mCbor]) {
      const payload = Buffer.from(encodeEntries(format, RESOURCE, [{ path: RESOURCE, value }], of('opaque')));
      const [entry] = decodeEntries(format, RESOURCE, payload, of('opaque'));
      payload.fill(0);
      assert.deepEqual(entry?.value, value, `${format}`);
    }
  });

  it('TLVs in TLVs that hold nothing are bounded in number', () => {
    const resources = Array.from({ length: 200 }, (_, id) => [0x80, id]).flat(); // multiple ones without instances
    const instance = (id: number): number[] => [
      0x30,
      id >> 8,
      id & 0xff,
      resources.length >> 8,
      resources.length & 0xff,
    ];
    const payload = (count: number): Uint8Array =>
      Uint8Array.from(Array.from({ length: count }, (_, id) => [...instance(id), ...resources]).flat());
    const decode = (count: number) =>
      decodeEntries(tlv, Path.of(9), payload(count), () => undefined, { maxEntries: 500 });
    assert.deepEqual(decode(7), []);
    assert.throws(() => decode(8), /at most 1500 TLVs/);
  });

  it('large keys in keys, of a member that is passed over, cost as much as they are long', () => {
    let key: CborValue = new Uint8Array(900_000);
    for (let depth = 0; depth < 7; depth++) key = new Map([[key, 0]]);
    const record = new Map<CborValue, CborValue>([
      ['x', key],
      [0, '/9/0/1'],
      [2, 1],
    ]);
    assert.equal(decodeEntries(senmlCbor, BASE, encodeCbor([record]), () => undefined).length, 1);
  });

  it('a member or key twice is refused', () => {
    const given: readonly [number, Uint8Array][] = [
      [senmlJson, utf8Encode('[{"n":"/9/0/1","v":1,"v":1}]')],
      [senmlJson, utf8Encode('[{"n":"/9/0/1","v":1,"\\u0076":1}]')],
      [senmlJson, utf8Encode('[{"n":"/9/0/1","v":1,"x":1,"x":2}]')],
      [json, utf8Encode('{"bn":"/9/0/","bn":"/9/0/","e":[]}')],
      [json, utf8Encode('{"bn":"/9/0/","e":[],"e":[]}')],
      [json, utf8Encode('{"bn":"/9/0/","e":[{"n":"1","v":1,"v":1}]}')],
      [senmlCbor, fromHex('81a3 00 66 2f392f302f31 02 01 02 01'.replaceAll(' ', ''))],
      [senmlCbor, fromHex('81a3 00 66 2f392f302f31 02 01 1802 01'.replaceAll(' ', ''))],
      [lwm2mCbor, fromHex('a2 83090001 01 83090001 01'.replaceAll(' ', ''))],
      [lwm2mCbor, fromHex('a2 83090001 01 09 a100a10101'.replaceAll(' ', ''))],
    ];
    for (const [format, bytes] of given) {
      assertRefused(() => decodeEntries(format, BASE, bytes, () => undefined), `${format}`);
    }
    for (const format of COMPOSITE) {
      const changes = [{ path: RESOURCE, value: 1 }];
      const one = encodeChanges(format, changes, () => undefined);
      assertRefused(() => decodeChanges(format, doubled(format, one), () => undefined), `${format}`);
      const path = encodePaths(format, [RESOURCE]);
      assertRefused(() => decodePaths(format, doubled(format, path)), `${format}`);
    }
  });

  it('depth is refused, however deep, and overflows no stack', () => {
    const depths = fc.oneof(fc.integer({ min: 9, max: 200 }), fc.constantFrom(1_000, 20_000, 200_000));
    fc.assert(
      fc.property(fc.constantFrom(...SINGLE, ...TREES), depths, fc.nat(3), (format, depth, kind) => {
        const bytes = deep(format, depth, kind);
        const entries = attempt(() => decodeEntries(format, BASE.child(1), bytes, () => undefined));
        assert.ok(entries === undefined || format === text || format === opaque, `${format} ${depth} ${kind}`);
      }),
      { numRuns: 1_000 },
    );
    for (const format of COMPOSITE) {
      for (const kind of [0, 1, 2, 3]) {
        const bytes = deep(format, 20_000, kind);
        assertRefused(() => decodeChanges(format, bytes, () => undefined));
        assertRefused(() => decodePaths(format, bytes));
      }
    }
    assert.throws(() => decodeLinks('<'.repeat(100_000)), DecodeError);
  });

  it('lengths that no payload has are refused before anything is made', () => {
    const sizes = ['7fffffff', '80000000', 'ffffffff'].map((hex) => `1a${hex}`);
    const wide = ['0000000080000000', '001fffffffffffff', '0020000000000000', 'ffffffffffffffff'].map(
      (hex) => `1b${hex}`,
    );
    for (const size of [...sizes, ...wide]) {
      for (const major of [2, 3, 4, 5]) {
        const head = (((major << 5) | Number.parseInt(size.slice(0, 2), 16)) & 0xff).toString(16) + size.slice(2);
        const inside: readonly [number, string][] = [
          [cbor, head],
          [senmlCbor, head],
          [senmlCbor, `81${head}`],
          [senmlCbor, `81a2 00 66 2f392f302f31 08 ${head}`],
          [senmlCbor, `81a2 00 66 2f392f302f31 61 78 ${head}`],
          [lwm2mCbor, head],
          [lwm2mCbor, `a1 83090001 ${head}`],
          [lwm2mCbor, `a1 ${head}`],
        ];
        for (const [format, hex] of inside) {
          const bytes = fromHex(hex.replaceAll(' ', ''));
          assertRefused(() => decodeEntries(format, RESOURCE, bytes, () => undefined), hex);
        }
      }
    }
    for (const hex of [
      'd801ffffff00',
      'f80001ffffff00',
      'd001ffff00',
      'c801ff00',
      '0800ff',
      '18 00 ffff',
      '88 01 05 48 01 ff',
    ]) {
      const bytes = fromHex(hex.replaceAll(' ', ''));
      assertRefused(() => decodeEntries(tlv, BASE, bytes, () => undefined), hex);
    }
  });

  it('numbers without end are refused or kept, in linear time', () => {
    const digits = '9'.repeat(200_000);
    for (const literal of [digits, `-${digits}`, `0.${digits}`, `1e${digits}`, `1e-${digits}`, '1e400', '-1e400']) {
      for (const type of ['integer', 'unsignedInteger', 'float', 'time'] as const) {
        const payloads: readonly [number, string][] = [
          [text, literal],
          [senmlJson, `[{"n":"/9/0/1","v":${literal}}]`],
          [json, `{"bn":"/9/0/1","e":[{"v":${literal}}]}`],
        ];
        for (const [format, payload] of payloads) {
          const entries = attempt(() => decodeEntries(format, RESOURCE, utf8Encode(payload), of(type)));
          assertSound(entries ?? [], RESOURCE, of(type));
          for (const { value } of entries ?? []) assert.ok(value instanceof Date || Number.isFinite(Number(value)));
        }
      }
    }
  });

  it('a value of another type is refused, or becomes one of the right type', () => {
    const pairs = fc.constantFrom(...TYPES).chain((from) => fc.tuple(fc.constant(from), VALUES[from]));
    fc.assert(
      fc.property(
        fc.constantFrom(...SINGLE, ...TREES),
        pairs,
        fc.constantFrom<ResourceType>(...TYPES, 'none'),
        (format, [from, value], to) => {
          const bytes = attempt(() => encodeEntries(format, RESOURCE, [{ path: RESOURCE, value }], of(from)));
          if (bytes === undefined) return;
          const entries = attempt(() => decodeEntries(format, RESOURCE, bytes, of(to)));
          assertSound(entries ?? [], RESOURCE, of(to));
          assert.ok(to !== 'none' || entries === undefined, 'what is executed has no value');
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('NaN and infinities are carried exactly, or refused: JSON, SenML and text have none', () => {
    const shapeOf = of('float');
    for (const value of [Number.NaN, Infinity, -Infinity]) {
      for (const format of [...SINGLE, ...TREES]) {
        const bytes: Uint8Array | undefined = attempt(() =>
          encodeEntries(format, RESOURCE, [{ path: RESOURCE, value }], shapeOf),
        );
        const carries = format === cbor || format === lwm2mCbor || format === tlv || format === legacyTlv;
        assert.equal(bytes !== undefined, carries, `${value} in ${format}`);
        if (bytes === undefined) continue;
        assert.ok(Object.is(decodeEntries(format, RESOURCE, bytes, shapeOf)[0]!.value, value));
        for (const type of ['integer', 'unsignedInteger', 'time', 'boolean'] as const) {
          if (format === tlv || format === legacyTlv) continue; // eight bytes are eight bytes
          assertRefused(() => decodeEntries(format, RESOURCE, bytes, of(type)));
        }
      }
      for (const format of COMPOSITE) {
        const encoded: Uint8Array | undefined = attempt(() =>
          encodeChanges(format, [{ path: RESOURCE, value }], shapeOf),
        );
        assert.equal(encoded !== undefined, format === lwm2mCbor);
      }
      const said: readonly [number, Uint8Array][] = [
        [text, utf8Encode(String(value))],
        [senmlJson, utf8Encode(`[{"n":"/9/0/1","v":${value}}]`)],
        [json, utf8Encode(`{"bn":"/9/0/1","e":[{"v":${value}}]}`)],
        [
          senmlCbor,
          encodeCbor([
            new Map<number, string | number>([
              [0, '/9/0/1'],
              [2, value],
            ]),
          ]),
        ],
      ];
      for (const [format, bytes] of said) {
        assertRefused(() => decodeEntries(format, RESOURCE, bytes, shapeOf), `${value} in ${format}`);
      }
    }
  });

  it('shared references (tags 28 and 29), as cbor-x writes them, are refused wherever they stand', () => {
    const sharing = new Encoder({ structuredClone: true, useRecords: false, mapsAsObjects: false });
    const shared = new Map<number, unknown>([[2, 1]]);
    shared.set(9, shared);
    const cyclic: readonly [number, Uint8Array][] = [
      [cbor, sharing.encode(shared)],
      [senmlCbor, sharing.encode([shared, shared])],
      [lwm2mCbor, sharing.encode(shared)],
    ];
    for (const [format, bytes] of cyclic) {
      assertRefused(() => decodeEntries(format, RESOURCE, bytes, () => undefined), `${format}`);
    }
    const places: readonly [number, (value: CborTag) => Uint8Array][] = [
      [cbor, (value) => encodeCbor(value)],
      [
        senmlCbor,
        (value) =>
          encodeCbor([
            new Map<number, string | CborTag>([
              [0, '/9/0/1'],
              [2, value],
            ]),
          ]),
      ],
      [senmlCbor, (value) => encodeCbor([value])],
      [senmlCbor, (value) => encodeCbor(value)],
      [lwm2mCbor, (value) => encodeCbor(new Map([[[9, 0, 1], value]]))],
      [lwm2mCbor, (value) => encodeCbor(new Map([[9, value]]))],
      [lwm2mCbor, (value) => encodeCbor(value)],
    ];
    const inner = fc.oneof(fc.nat(), fc.string(), fc.constant(new Map([[1, 1]])), fc.constant([1]));
    const tag = fc.constantFrom(28, 29);
    fc.assert(
      fc.property(
        fc.constantFrom(...places),
        tag,
        inner,
        fc.constantFrom(...TYPES),
        ([format, at], number, value, type) => {
          const bytes = at(new CborTag(number, value));
          assertRefused(() => decodeEntries(format, RESOURCE, bytes, of(type)));
          assertRefused(() => decodeEntries(format, RESOURCE, bytes, () => undefined));
          if (format === cbor) return;
          assertRefused(() => decodeChanges(format, bytes, of(type)));
          assertRefused(() => decodePaths(format, bytes));
        },
      ),
      RUNS,
    );
  });

  it('composites: what any bytes and any damage give is sound', () => {
    const composite = fc.constantFrom(...COMPOSITE).chain((format) =>
      fc.tuple(fc.constant(format), instanceEntries).chain(([, { entries, shapeOf }]) => {
        const good = encodeChanges(format, entries, shapeOf);
        return fc.record({
          format: fc.constant(format),
          shapeOf: fc.oneof(fc.constant(shapeOf), shapes),
          bytes: fc.oneof(damaged(good), fc.uint8Array({ maxLength: 60 })),
        });
      }),
    );
    fc.assert(
      fc.property(composite, ({ format, shapeOf, bytes }) => {
        const changes = attempt(() => decodeChanges(format, bytes, shapeOf)) ?? [];
        const values = changes.filter((change): change is { path: Path; value: Value } => change.value !== null);
        assertSound(values, Path.root, shapeOf);
        assert.equal(new Set(changes.map(({ path }) => path.toString())).size, changes.length);
        const paths = attempt(() => decodePaths(format, bytes)) ?? [];
        assert.equal(new Set(paths.map(String)).size, paths.length);
      }),
      { numRuns: 3_000 },
    );
  });

  it('links: what any bytes give are links, or a DecodeError', () => {
    const pieces = fc.constantFrom(
      '<',
      '>',
      '/3',
      ';',
      ',',
      '=',
      '"',
      '\\',
      'ver',
      'pmin',
      '1.1',
      ' ',
      '\n',
      '</1>',
      '*',
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (given) => {
        for (const { target, attributes } of attempt(() => decodeLinks(given)) ?? []) {
          assert.ok(!/[<>]/.test(target));
          for (const value of Object.values(attributes)) assert.ok(value === true || !Number.isNaN(value));
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
