// The CoAP message (RFC 7252 §3): what the codec reads and writes, and what all layers pass on.

/** One option as it stands on the wire. */
export interface CoapOption {
  /** Option number, 0 to 65535. */
  readonly number: number;
  /** At most 65,804 bytes. A view into the datagram when decoded. */
  readonly value: Uint8Array;
}

/** Message types (RFC 7252 §3). */
export const MESSAGE_TYPES = { confirmable: 0, nonConfirmable: 1, acknowledgement: 2, reset: 3 } as const;
export type MessageType = (typeof MESSAGE_TYPES)[keyof typeof MESSAGE_TYPES];

/** The part of a message that does not depend on the transport: it means the same over UDP and TCP. */
export interface MessageContent {
  /** Method or response code, class in the upper three bits; 0 is the empty message. */
  readonly code: number;
  /** 0 to 8 bytes. */
  readonly token: Uint8Array;
  /** In order of number when decoded; sorted (stably) when encoded. */
  readonly options: readonly CoapOption[];
  /** Empty if there is none. */
  readonly payload: Uint8Array;
}

/** A message over UDP (RFC 7252 §3). */
export interface CoapMessage extends MessageContent {
  readonly type: MessageType;
  /** 0 to 65535. */
  readonly messageId: number;
}

/** The empty code (RFC 7252 §4.1). */
export const EMPTY_CODE = 0x00;

export const NO_BYTES: Uint8Array = new Uint8Array(0);
export const NO_OPTIONS: readonly CoapOption[] = Object.freeze([]);

/** Whether a code is a request's: class 0, not empty. */
export function isRequestCode(code: number): boolean {
  return code > 0 && code < 0x20;
}

/** Whether a code is a response's: class 2, 4 or 5. */
export function isResponseCode(code: number): boolean {
  const codeClass = code >> 5;
  return codeClass === 2 || codeClass === 4 || codeClass === 5;
}

/** A code as people write it: `2.05`. */
export function formatCode(code: number): string {
  return `${code >> 5}.${String(code & 0x1f).padStart(2, '0')}`;
}
