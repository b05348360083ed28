export { DecodeError } from './decode-error.ts';
export { Reader } from './reader.ts';
export { Writer } from './writer.ts';
export { concatBytes, equalBytes, equalSecrets, fromHex, toHex, utf8Decode, utf8Encode } from './bytes.ts';
