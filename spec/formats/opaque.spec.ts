import assert from 'node:assert/strict';
import { DecodeError } from '../../lib/bytes/index.ts';
import {
  CONTENT_FORMATS,
  FormatError,
  type ResourceShape,
  decodeEntries,
  encodeEntries,
} from '../../lib/formats/index.ts';
import { Path, type Value } from '../../lib/model/index.ts';

const OPAQUE = CONTENT_FORMATS.opaque;
const path = Path.of(9, 0, 1);
const shapeOf = (type: ResourceShape['type']) => () => ({ type, multiple: false });

describe('opaque', () => {
  it('is the bytes themselves, copied', () => {
    const value = Uint8Array.of(1, 2, 3);
    const bytes = encodeEntries(OPAQUE, path, [{ path, value }], shapeOf('opaque'));
    assert.deepEqual(bytes, value);
    const [entry] = decodeEntries(OPAQUE, path, bytes, shapeOf('opaque'));
    bytes.fill(0);
    assert.deepEqual([value, entry!.value], [Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3)]);
  });

  it('reads resources that are not known', () => {
    assert.deepEqual(decodeEntries(OPAQUE, path, Uint8Array.of(7), () => undefined)[0]!.value, Uint8Array.of(7));
  });

  it('carries nothing else', () => {
    const encode = (value: Value, type: ResourceShape['type']): Uint8Array =>
      encodeEntries(OPAQUE, path, [{ path, value }], shapeOf(type));
    assert.throws(() => encode('text', 'string'), FormatError);
    assert.throws(() => encode(Uint8Array.of(1), 'string'), FormatError);
    assert.throws(() => decodeEntries(OPAQUE, path, Uint8Array.of(1), shapeOf('string')), DecodeError);
    assert.throws(() => decodeEntries(OPAQUE, Path.of(9, 0), Uint8Array.of(1), shapeOf('opaque')), FormatError);
  });
});
