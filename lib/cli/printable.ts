// Text that came from a peer, made safe for a terminal.

// Control characters (escape sequences among them), and what turns the direction of text or breaks lines.
const UNPRINTABLE = /[\p{Cc}\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** With escapes such as `\u001b` in place of what a terminal would act on; JSON stays the same JSON. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** As `printable`, but for text of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** For `name=value`: as it is where nothing in it could be taken for another field, quoted otherwise. */
export function fieldValue(value: unknown): string {
  if (typeof value === 'string' && /^[\p{L}\p{N}\-._~:/?#@!$&*+[\]%]+$/u.test(value)) return value;
  return JSON.stringify(value) ?? String(value);
}
