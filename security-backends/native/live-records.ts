// When the state of a live session is written: with each reservation of sequence numbers, and with each record that came.

import { type Negotiated, SocketError } from '../../lib/net/index.ts';
import { type Agreed, identificationOf } from './agreed.ts';
import type { LiveKeeper } from './connection.ts';
import type { LiveState } from './live-state.ts';
import type { ResolvedOptions } from './options.ts';
import type { RecordLayer } from './record-layer.ts';

const DEFAULT_BLOCK = 256; // a write for so many records; as many numbers are lost at each restart

/** Of one connection. */
export class LiveRecords {
  readonly #keeper: LiveKeeper;
  readonly #options: ResolvedOptions;
  readonly #role: 'client' | 'server';
  readonly #agreed: Agreed;
  readonly #master: Uint8Array;
  readonly #records: RecordLayer;
  #negotiated: Negotiated | undefined;
  #unreserved: number;
  #written = '';

  /** @param master whose copy it is now */
  constructor(
    options: ResolvedOptions,
    role: 'client' | 'server',
    agreed: Agreed,
    master: Uint8Array,
    records: RecordLayer,
  ) {
    this.#options = options;
    this.#keeper = options.live!;
    this.#role = role;
    this.#agreed = agreed;
    this.#master = master;
    this.#records = records;
    this.#unreserved = records.nextSequence;
  }

  /** The session is there; what its handshake sent needed no reservation, for nobody can go on from before this. */
  established(negotiated: Negotiated): void {
    this.#negotiated = negotiated;
    this.#unreserved = this.#records.nextSequence + this.#block;
    this.#records.reserveBy(this.#unreserved, () => this.#reserveMore());
  }

  /** @param always also if no record has come since the last time @throws what the keeper throws */
  write(always: boolean): void {
    const { newest, high, low } = this.#records.window;
    const known = `${newest} ${high} ${low}`;
    if (!always && known === this.#written) return;
    this.#keeper.write(this.#state);
    this.#written = known;
  }

  destroy(): void {
    this.#master.fill(0);
  }

  /** @throws SocketError EIO: then nothing is sealed, and nothing was reserved */
  #reserveMore(): number {
    const before = this.#unreserved;
    this.#unreserved = this.#records.nextSequence + this.#block;
    try {
      this.write(true);
    } catch (cause) {
      this.#unreserved = before;
      throw new SocketError('EIO', 'sequence numbers could not be reserved', { cause });
    }
    return this.#unreserved;
  }

  get #block(): number {
    return this.#keeper.block ?? DEFAULT_BLOCK;
  }

  get #state(): LiveState {
    const { suite, randoms, connectionIds, alpn, extendedMasterSecret, serverName } = this.#agreed;
    return {
      role: this.#role,
      randoms,
      connectionIds,
      limits: this.#records.limits,
      alpn,
      unreserved: this.#unreserved,
      window: this.#records.window,
      session: {
        credential: this.#options.credential,
        ciphersuite: suite.id,
        extendedMasterSecret,
        master: this.#master,
        serverName,
        identification: this.#negotiated === undefined ? {} : identificationOf(this.#negotiated),
        keyFingerprint: new Uint8Array(0),
        validUntil: 0,
      },
    };
  }
}
