// A new address of a peer, until it has shown that it receives what we send there (RFC 9146 §6).

/** Bytes that may go to an address not shown to receive, for each byte that came from it (as RFC 9000 §8.1). */
const AMPLIFICATION = 3;

/**
 * Whoever is on the path can send a copy of the peer's newest record on from an address of his choice, and it is genuine.
 * So little goes there before a newer record has come from the same address after something went to it. Whoever can send on
 * every record of the peer ahead of the peer itself looks like a NAT, and is taken for one: records alone cannot tell them
 * apart, only a challenge could, which DTLS 1.2 has not got.
 */
export class AddressProbation {
  #received: number;
  #sent = 0;

  /** @param received bytes of the datagram that brought the new address */
  constructor(received: number) {
    this.#received = received;
  }

  /** A datagram from there. @returns whether the address is proven now */
  heard(bytes: number, newest: boolean): boolean {
    this.#received += bytes;
    return newest && this.#sent > 0;
  }

  /** Whether so much may go there; it is counted then. */
  allows(bytes: number): boolean {
    if (this.#sent + bytes > AMPLIFICATION * this.#received) return false;
    this.#sent += bytes;
    return true;
  }
}
