// What can go wrong between us and a server, or in how we were set up, with what to do about it.

/**
 * `ECONFIG`: an option is wrong. `ESTATE`: not possible now. `EMUTED`: /1/x/23 forbids Send. `EREFUSED`: the server answered with
 * an error, `responseCode` says which. `EPROTO`: its answer cannot be used. `ENOACCOUNT`: no server account fits. `EDROPPED`:
 * given up for something newer, or since it has gone.
 */
export type LwM2mErrorCode = 'ECONFIG' | 'ESTATE' | 'EMUTED' | 'EREFUSED' | 'EPROTO' | 'ENOACCOUNT' | 'EDROPPED';

/** The error of the client's own operations. */
export class LwM2mError extends Error {
  override readonly name = 'LwM2mError';
  readonly code: LwM2mErrorCode;
  /** CoAP response code of a refusal, such as 0x83 for 4.03. */
  readonly responseCode: number | undefined;

  constructor(code: LwM2mErrorCode, message: string, responseCode?: number) {
    super(message);
    this.code = code;
    this.responseCode = responseCode;
  }
}

/** `4.03` for 0x83. */
export function formatResponseCode(code: number): string {
  return `${code >> 5}.${String(code & 0x1f).padStart(2, '0')}`;
}
