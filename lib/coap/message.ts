// The CoAP message (RFC 7252 §3).

/** One option as it stands on the wire. */
export interface CoapOption {
  /** Option number, 0 to 65535. */
  readonly number: number;
  /** At most 65,804 bytes. A view into the datagram when decoded. */
  readonly value: Uint8Array;
}
