// A device's refusal: the CoAP response code of an operation that did not succeed.

import { RESPONSE_CODES, type ResponseCode } from '../coap/index.ts';

const NAMES = new Map<number, string>(Object.entries(RESPONSE_CODES).map(([name, code]) => [code, name]));

/** `4.04 notFound`. */
export function formatCode(code: number): string {
  return `${code >> 5}.${String(code & 0x1f).padStart(2, '0')} ${NAMES.get(code) ?? 'unassigned'}`;
}

/** The device answered an operation with an error code. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly code = 'EOPERATION';
  readonly operation: string;
  readonly responseCode: ResponseCode;
  /** The device's diagnostic payload, at most 256 characters; untrusted text. */
  readonly diagnostic: string;

  constructor(operation: string, responseCode: ResponseCode, diagnostic = '') {
    super(
      `${operation}: the device answered ${formatCode(responseCode)}${diagnostic === '' ? '' : ` (${JSON.stringify(diagnostic)})`}`,
    );
    this.operation = operation;
    this.responseCode = responseCode;
    this.diagnostic = diagnostic;
  }
}
