// IEEE 754 binary16, which DataView has only from Node 24 on.

/** What the last bit of a mantissa is worth, by exponent. */
const UNITS = Array.from({ length: 31 }, (_, exponent) => 2 ** (exponent - 25));
const view = new DataView(new ArrayBuffer(4));

/** The 16 bits of `value` if they hold it exactly, undefined otherwise. Every NaN is the quiet one without payload. */
export function toHalf(value: number): number | undefined {
  if (Number.isNaN(value)) return 0x7e00;
  if (!Object.is(Math.fround(value), value)) return undefined;
  view.setFloat32(0, value);
  const bits = view.getUint32(0);
  const sign = (bits >>> 31) << 15;
  const exponent = ((bits >>> 23) & 0xff) - 127;
  const mantissa = bits & 0x7fffff;
  if (value === 0) return sign;
  if (exponent === 128) return sign | 0x7c00;
  if (exponent > 15 || exponent < -24) return undefined;
  if (exponent >= -14) return (mantissa & 0x1fff) === 0 ? sign | ((exponent + 15) << 10) | (mantissa >> 13) : undefined;
  const shift = -1 - exponent; // subnormal: units of 2^-24
  const full = mantissa | 0x800000;
  return (full & ((1 << shift) - 1)) === 0 ? sign | (full >> shift) : undefined;
}

export function fromHalf(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * mantissa * UNITS[1]! : sign * (1024 + mantissa) * UNITS[exponent]!;
}
