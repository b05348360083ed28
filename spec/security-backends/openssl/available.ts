// Whether OpenSSL is here: specs of this backend run where it is, and say that they are skipped where it is not.

import { loadOpenSsl } from '../../../security-backends/openssl/library.ts';

function reason(): string | undefined {
  try {
    loadOpenSsl();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Why there is none; undefined where there is. */
export const MISSING: string | undefined = reason();

/** `describe`, with the reason in the title and every case pending where there is no OpenSSL. */
export function describeOpenSsl(title: string, cases: () => void): void {
  if (MISSING === undefined) describe(title, cases);
  else describe.skip(`${title} (skipped: ${MISSING})`, cases);
}
