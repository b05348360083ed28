import assert from 'node:assert/strict';
import {
  CONTENT_FORMATS,
  FormatError,
  SUPPORTED_READ_FORMATS,
  SUPPORTED_WRITE_FORMATS,
  decodeEntries,
  encodeEntries,
} from '../../lib/formats/index.ts';
import { Path } from '../../lib/model/index.ts';

const path = Path.of(9, 0, 1);
const shapeOf = () => ({ type: 'opaque', multiple: false }) as const;

describe('formats of values', () => {
  it('are those it says', () => {
    for (const format of [...Object.values(CONTENT_FORMATS), 65_000]) {
      const encode = (): Uint8Array => encodeEntries(format, path, [{ path, value: Uint8Array.of(1) }], shapeOf);
      if (SUPPORTED_READ_FORMATS.includes(format)) assert.ok(encode().length > 0);
      else
        assert.throws(
          encode,
          (error) => error instanceof FormatError && error.format === format && error.code === 'ENOTSUP',
        );
    }
    for (const format of SUPPORTED_WRITE_FORMATS) {
      const bytes = encodeEntries(format, path, [{ path, value: Uint8Array.of(1) }], shapeOf);
      assert.deepEqual(decodeEntries(format, path, bytes, shapeOf)[0]!.value, Uint8Array.of(1));
    }
    assert.throws(() => decodeEntries(65_000, path, new Uint8Array(0), shapeOf), FormatError);
  });
});
