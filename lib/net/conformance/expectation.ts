// What cases say when a socket breaks a rule, without any test framework.

import { SocketError, type SocketErrorCode } from '../errors.ts';

/** A rule is broken. */
export class ConformanceError extends Error {
  override readonly name = 'ConformanceError';
}

export function check(holds: boolean, rule: string): asserts holds {
  if (!holds) throw new ConformanceError(rule);
}

/** Same value (Object.is), or same bytes. */
export function same(found: unknown, expected: unknown, what: string): void {
  if (found instanceof Uint8Array && expected instanceof Uint8Array) {
    const equal = found.length === expected.length && found.every((byte, at) => byte === expected[at]);
    check(equal, `${what}: expected [${expected.join()}], found [${found.join()}]`);
    return;
  }
  check(Object.is(found, expected), `${what}: expected ${String(expected)}, found ${String(found)}`);
}

/** The SocketError that `call` throws. */
export function thrown(call: () => unknown, code: SocketErrorCode, what: string): SocketError {
  let value: unknown;
  try {
    value = call();
  } catch (error) {
    return expectedError(error, code, what);
  }
  throw new ConformanceError(`${what}: expected ${code}, found ${String(value)}`);
}

/** The SocketError that `promise` rejects with. */
export async function rejected(promise: Promise<unknown>, code: SocketErrorCode, what: string): Promise<SocketError> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return expectedError(error, code, what);
  }
  throw new ConformanceError(`${what}: expected ${code}, found ${String(value)}`);
}

export function expectedError(error: unknown, code: SocketErrorCode, what: string): SocketError {
  check(error instanceof SocketError, `${what}: expected a SocketError ${code}, found ${String(error)}`);
  check(error.code === code, `${what}: expected ${code}, found ${error.message}`);
  return error;
}
