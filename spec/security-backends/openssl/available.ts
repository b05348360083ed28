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

/** `describe`; where there is no OpenSSL, one pending case that says so in place of all. */
export function describeOpenSsl(title: string, cases: () => void): void {
  if (MISSING === undefined) describe(title, cases);
  else describe(title, () => it.skip(`skipped: ${MISSING}`));
}
