// Whether a stream of TLS records ended by an alert. node:tls tells nobody whether close_notify came before the FIN, and
// without it whoever can reach the network can cut the end off what the peer sent (RFC 8446 §6.1).

const HEADER_BYTES = 5; // type, version, length (RFC 8446 §5.1)
const TYPE_ALERT = 21;
const TYPE_APPLICATION_DATA = 23;
const ALERT_BYTES = 2;
const INNER_TYPE_BYTES = 1;

/** Reads headers only: it is given every byte that comes in, in order. */
export class RecordWatch {
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  /** Of the present record's body. */
  #left = 0;

  take(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, bytes.length - at);
        this.#left -= step;
        at += step;
        continue;
      }
      if (this.#headerBytes === HEADER_BYTES) this.#headerBytes = 0;
      this.#header[this.#headerBytes++] = bytes[at++]!;
      if (this.#headerBytes === HEADER_BYTES) this.#left = this.#length;
    }
  }

  /**
   * True if nothing but a whole alert can have come last. Of TLS 1.3, which hides what a record is, one is told by its length:
   * an end cut off after application data of 2 bytes is not noticed.
   * @param tagBytes of the suite
   */
  endedByAlert(version: 'TLS1.2' | 'TLS1.3', tagBytes: number): boolean {
    if (this.#left > 0 || this.#headerBytes !== HEADER_BYTES) return false;
    const [type] = this.#header;
    if (version === 'TLS1.2' || type !== TYPE_APPLICATION_DATA) return type === TYPE_ALERT;
    return this.#length === ALERT_BYTES + INNER_TYPE_BYTES + tagBytes;
  }

  get #length(): number {
    return (this.#header[3]! << 8) | this.#header[4]!;
  }
}
