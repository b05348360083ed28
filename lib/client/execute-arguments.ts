// Arguments of Execute: `0='x',1` (LwM2M Core 1.2 §6.3.6, ABNF).

import { DecodeError } from '../bytes/index.ts';

const ARGUMENT = /([0-9])(?:='([\x21\x23-\x26\x28-\x5b\x5d-\x7e]*)')?(,|$)/y; // DIGIT [ "=" "'" *CHAR "'" ]

/**
 * By digit; a digit alone has no value.
 * @throws DecodeError naming where the text stops being a list of arguments, or which one comes twice
 */
export function parseExecuteArguments(text: string): ReadonlyMap<number, string | undefined> {
  const parsed = new Map<number, string | undefined>();
  if (text === '') return parsed;
  ARGUMENT.lastIndex = 0;
  for (let at = 0, more = true; more; at = ARGUMENT.lastIndex) {
    const match = ARGUMENT.exec(text);
    if (match === null) {
      throw new DecodeError('Execute arguments', "DIGIT or DIGIT='text', separated by commas", 'something else', at);
    }
    const digit = Number(match[1]);
    if (parsed.has(digit)) throw new DecodeError('Execute arguments', `argument ${digit} once`, 'it twice', at);
    parsed.set(digit, match[2]);
    more = match[3] === ',';
    if (!more && ARGUMENT.lastIndex < text.length) {
      throw new DecodeError('Execute arguments', 'a comma or the end', 'something else', ARGUMENT.lastIndex);
    }
  }
  return parsed;
}
