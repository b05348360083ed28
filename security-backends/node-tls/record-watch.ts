// Whether a stream of TLS records ended by an alert. node:tls tells nobody whether close_notify came before the FIN, and
// without it whoever can reach the network can cut the end off what the peer sent (RFC 8446 §6.1).

const HEADER_BYTES = 5; // type, version, length (RFC 8446 §5.1)
const TYPE_ALERT = 21;
const TYPE_HANDSHAKE = 22;
const TYPE_APPLICATION_DATA = 23;
const ALERT_BYTES = 2;
const INNER_TYPE_BYTES = 1;
const LONGEST_ALERT = ALERT_BYTES + INNER_TYPE_BYTES + 16; // bytes of the longest tag

/** Reads headers only: it is given every byte that comes in, in order. */
export class RecordWatch {
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  /** Of the present record's body. */
  #left = 0;
  /** Records that may have been alerts of TLS 1.3, by their length. */
  readonly #alertSized = new Map<number, number>();
  #deliveredAlike = 0;
  #handshakes = 0;

  /** Records that say they are of a handshake. TLS 1.3 hides those that follow its own. */
  get handshakes(): number {
    return this.#handshakes;
  }

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
      if (this.#headerBytes === HEADER_BYTES) this.#begun();
    }
  }

  /** Application data came of one record. */
  delivered({ length }: Uint8Array): void {
    if (length === ALERT_BYTES) this.#deliveredAlike++;
  }

  /**
   * True if a whole alert came last. TLS 1.3 hides what a record is: it was an alert if it is as long as one, and one more of
   * that length came than there was data of that length. A peer that fills up its records is not understood, and its end is
   * taken for one cut off.
   * @param tagBytes of the suite
   */
  endedByAlert(version: 'TLS1.2' | 'TLS1.3', tagBytes: number): boolean {
    if (this.#left > 0 || this.#headerBytes !== HEADER_BYTES) return false;
    const [type] = this.#header;
    if (version === 'TLS1.2' || type !== TYPE_APPLICATION_DATA) return type === TYPE_ALERT;
    const length = ALERT_BYTES + INNER_TYPE_BYTES + tagBytes;
    return this.#length === length && this.#alertSized.get(length) === this.#deliveredAlike + 1;
  }

  #begun(): void {
    const length = this.#length;
    this.#left = length;
    if (this.#header[0] === TYPE_HANDSHAKE) this.#handshakes++;
    if (this.#header[0] !== TYPE_APPLICATION_DATA || length > LONGEST_ALERT) return;
    this.#alertSized.set(length, (this.#alertSized.get(length) ?? 0) + 1);
  }

  get #length(): number {
    return (this.#header[3]! << 8) | this.#header[4]!;
  }
}
