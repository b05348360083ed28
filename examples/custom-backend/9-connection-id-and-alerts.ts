// Chapter 9, connection ids and alerts: the server finds us at a new address (RFC 9146), and what was said is logged.

import type { Environment } from '../../lib/index.ts';
import { type DatagramSocket, type SecurityBackend, SocketError, alertName } from '../../lib/net/index.ts';
import {
  type ConnectionIdOptions,
  type DtlsClientOptions,
  type DtlsOutput,
  MAX_CONNECTION_ID_BYTES,
} from '../../security-backends/native/index.ts';
import type { BackendOptions } from './1-stub.ts';
import { type Chapter, type Made, backendOf } from './chapter.ts';
import type { ResumableCredentials } from './4-resumption.ts';
import { DANE_CAPABILITIES, DaneSocket, anyCredentials } from './7-chains-and-dane.ts';

export class FinishedSocket extends DaneSocket {
  readonly #connectionId: { readonly length: number; readonly padding: number | undefined } | undefined;

  constructor(environment: Environment, made: Made<ResumableCredentials>) {
    super(environment, made);
    const { connectionId = false } = made.configuration;
    if (connectionId === false) return;
    const { length = 0, padding } = connectionId === true ? {} : connectionId;
    if (!(Number.isInteger(length) && length >= 0 && length <= MAX_CONNECTION_ID_BYTES)) {
      const expected = `expected 0 to ${MAX_CONNECTION_ID_BYTES} bytes, found ${length}`;
      throw new SocketError('EINVAL', `connectionId.length: ${expected}`, { fatal: false });
    }
    this.#connectionId = { length, padding };
  }

  protected override clientOptions(lower: DatagramSocket): DtlsClientOptions {
    return { ...super.clientOptions(lower), connectionId: this.#ownId() };
  }

  /** A random id of our own for each connection: two with the same would be told apart by address alone. */
  #ownId(): ConnectionIdOptions | undefined {
    if (this.#connectionId === undefined) return undefined;
    const { length, padding } = this.#connectionId;
    return { own: this.environment.random.bytes(length), padding };
  }

  /** That an alert ended a connection is in the cause of `closed`; all others are for those who look for what went wrong. */
  protected override handle(output: DtlsOutput): void {
    if (output.kind === 'alert') {
      const { level, description, direction } = output;
      this.environment.log.debug({ level, description, direction }, `alert: ${alertName(description)} ${direction}`);
    }
    super.handle(output);
  }
}

export const FINISHED_CAPABILITIES = { ...DANE_CAPABILITIES, connectionId: true } as const;

export function finished(options: BackendOptions): SecurityBackend<DatagramSocket> {
  const make: Chapter<ResumableCredentials>['make'] = (environment, made) => new FinishedSocket(environment, made);
  const chapter = { name: 'chapter 9', capabilities: FINISHED_CAPABILITIES, later: [], load: anyCredentials, make };
  return backendOf(chapter, options);
}
