// Property names from OMA's names: `Min Measured Value` is `minMeasuredValue`.

/** An identifier for `name`, unlike all in `taken`; `id` tells apart what would be the same. */
export function propertyName(name: string, id: number, taken: ReadonlySet<string>): string {
  const words = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  const joined = words.map((word, i) => (i === 0 ? first(word) : capital(word))).join('');
  const named = /^[a-z]/i.test(joined) ? joined : `resource${capital(joined)}`;
  return taken.has(named) || named === 'resource' ? `${named}${id}` : named;
}

/** `SIM`, `LwM2M` and `Min` begin small. */
function first(word: string): string {
  return /^[A-Z0-9]+$/.test(word) ? word.toLowerCase() : word.charAt(0).toLowerCase() + word.slice(1);
}

/** `URI` is `Uri`, `kWh` is `KWh`. */
function capital(word: string): string {
  const rest = /^[A-Z0-9]+$/.test(word) ? word.slice(1).toLowerCase() : word.slice(1);
  return word.charAt(0).toUpperCase() + rest;
}
