// The operations a server performs on one registered device (LwM2M Core 1.2 §6.3, §6.4), over its CoAP connection.

import type { CoapConnection, IncomingResponse, Method, ObservedResource, OutgoingRequest } from '../coap/index.ts';
import { RESPONSE_CODES } from '../coap/index.ts';
import {
  CONTENT_FORMATS,
  type CoreLink,
  type ShapeOf,
  decodeEntries,
  decodeLinks,
  encodeEntries,
} from '../formats/index.ts';
import { utf8Decode, utf8Encode } from '../bytes/index.ts';
import { type Entry, Path, type WriteMode } from '../model/index.ts';
import type { Clock } from '../runtime/index.ts';
import { OperationError } from './operation-error.ts';
import type { Registration } from './registry.ts';

/** What a read or notification brought. */
export interface ReadResult {
  readonly entries: readonly Entry[];
  /** Content-Format it came in. */
  readonly contentFormat: number;
}

export interface OperationOptions {
  /** Content format to ask for (read) or to write in. Default: the device's for reads; by path and version for writes. */
  readonly format?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Notification attributes (LwM2M Core 1.2 §5.1.2), seconds and values; null takes one away. */
export interface NotificationAttributes {
  readonly pmin?: number | null;
  readonly pmax?: number | null;
  readonly gt?: number | null;
  readonly lt?: number | null;
  readonly st?: number | null;
  readonly epmin?: number | null;
  readonly epmax?: number | null;
}

/** An observation the server holds. */
export interface ServerObservation {
  readonly path: Path;
  readonly first: ReadResult;
  /** By Observe: 1, or by a Reset to the next notification. */
  cancel(how?: 'deregister' | 'reset'): Promise<void>;
}

/** What was asked to be observed: it outlives the connection it was asked over. */
interface Watched {
  readonly path: Path;
  readonly notified: (result: ReadResult | OperationError) => void;
  readonly format: number | undefined;
  observed: ObservedResource | undefined;
  /** Cancelled by us, or ended by the device. */
  over: boolean;
}

/** A registered device. Operations reject with OperationError (the device refused), CoapError or SocketError (no answer). */
export class RegisteredDevice {
  readonly connection: CoapConnection;
  readonly #shapeOf: ShapeOf;
  readonly #clock: Pick<Clock, 'wallTime'>;
  #watched = new Set<Watched>();
  #registration: Registration;

  /** @param clock what relative times in answers count from */
  constructor(
    registration: Registration,
    connection: CoapConnection,
    shapeOf: ShapeOf,
    clock: Pick<Clock, 'wallTime'>,
  ) {
    this.#clock = clock;
    this.#registration = registration;
    this.connection = connection;
    this.#shapeOf = shapeOf;
  }

  get registration(): Registration {
    return this.#registration;
  }

  get endpoint(): string {
    return this.#registration.endpoint;
  }

  /** The server's own: the registration has been updated. */
  follow(registration: Registration): void {
    this.#registration = registration;
  }

  async read(path: Path | string, options: OperationOptions = {}): Promise<ReadResult> {
    const at = toPath(path);
    const response = await this.#ask('Read', 'GET', at, { accept: options.format }, options);
    return this.#content('Read', at, response);
  }

  async discover(path: Path | string, options: Pick<OperationOptions, 'signal'> = {}): Promise<readonly CoreLink[]> {
    const response = await this.#ask('Discover', 'GET', toPath(path), { accept: CONTENT_FORMATS.coreLink }, options);
    return decodeLinks(utf8Decode(response.payload, 'Discover payload'));
  }

  /** Replace (PUT) or partial update (POST) of an instance, resource or resource instance. */
  async write(
    path: Path | string,
    entries: readonly Entry[],
    mode: WriteMode = 'replace',
    options: OperationOptions = {},
  ): Promise<void> {
    const at = toPath(path);
    await this.#ask('Write', mode === 'replace' ? 'PUT' : 'POST', at, this.#body(at, entries, options.format), options);
  }

  /** Arguments by digit, e.g. `{ 0: 'now', 3: undefined }`. */
  async execute(
    path: Path | string,
    args: Readonly<Record<number, string | undefined>> = {},
    options: Pick<OperationOptions, 'signal'> = {},
  ): Promise<void> {
    const text = Object.entries(args).map(([digit, value]) => (value === undefined ? digit : `${digit}='${value}'`));
    const body = text.length === 0 ? {} : { payload: utf8Encode(text.join(',')), contentFormat: CONTENT_FORMATS.text };
    await this.#ask('Execute', 'POST', toPath(path), body, options);
  }

  /** Creates an instance; `instance` undefined lets the device choose. @returns its id if the device told it */
  async create(
    object: number,
    instance: number | undefined,
    entries: readonly Entry[],
    options: OperationOptions = {},
  ): Promise<number | undefined> {
    const base = instance === undefined ? Path.of(object) : Path.of(object, instance);
    const body = this.#body(base, entries, options.format ?? CONTENT_FORMATS.tlv);
    const response = await this.#ask('Create', 'POST', Path.of(object), body, options);
    const last = response.locationPath.at(-1);
    return last !== undefined && /^\d{1,5}$/.test(last) ? Number(last) : instance;
  }

  async delete(path: Path | string, options: Pick<OperationOptions, 'signal'> = {}): Promise<void> {
    await this.#ask('Delete', 'DELETE', toPath(path), {}, options);
  }

  async writeAttributes(
    path: Path | string,
    attributes: NotificationAttributes,
    options: Pick<OperationOptions, 'signal'> = {},
  ): Promise<void> {
    const query = Object.entries(attributes).map(([name, value]) => (value === null ? name : `${name}=${value}`));
    await this.#ask('Write-Attributes', 'PUT', toPath(path), { query }, options);
  }

  /** Observes; `notified` gets each fresh notification, or the error that ended the observation. */
  async observe(
    path: Path | string,
    notified: (result: ReadResult | OperationError) => void,
    options: OperationOptions = {},
  ): Promise<ServerObservation> {
    const watched: Watched = { path: toPath(path), notified, format: options.format, observed: undefined, over: false };
    const response = await this.#watch(watched, options.signal).catch((error: unknown) => {
      this.#watched.delete(watched);
      throw error;
    });
    expectSuccess('Observe', response);
    const cancel = async (how?: 'deregister' | 'reset'): Promise<void> => {
      watched.over = true;
      await watched.observed?.cancel(how);
    };
    return { path: watched.path, first: this.#content('Observe', watched.path, response), cancel };
  }

  /**
   * The server's own: observes here what was observed over another connection with the device, that is lost (RFC 8323 §7).
   * What it finds is told as a notification.
   * @param all whether that connection counts as lost as a whole
   */
  observeAnew(before: RegisteredDevice, all: boolean): void {
    for (const watched of before.#watched) {
      if (watched.over || (!all && watched.observed?.active === true)) continue;
      before.#watched.delete(watched);
      this.#watch(watched, undefined).then(
        (response) => watched.over || watched.notified(this.#notification(watched.path, response)),
        () => undefined, // this connection is lost too: the next one is tried
      );
    }
  }

  async #watch(watched: Watched, signal: AbortSignal | undefined): Promise<IncomingResponse> {
    this.#watched.add(watched);
    watched.observed = undefined;
    const told = (response: IncomingResponse): void => {
      if (!watched.over) watched.notified(this.#notification(watched.path, response));
    };
    const end = (): void => {
      watched.over = true;
      this.#watched.delete(watched);
    };
    const observed = await this.connection.observe(
      { method: 'GET', path: this.#segments(watched.path), accept: watched.format },
      told,
      { signal, ended: (cause) => cause === undefined && end() },
    );
    watched.observed = observed;
    if (watched.over) await observed.cancel();
    else if (!observed.active) this.#watched.delete(watched);
    return observed.response;
  }

  #notification(path: Path, response: IncomingResponse): ReadResult | OperationError {
    try {
      expectSuccess('Notify', response);
      return this.#content('Notify', path, response);
    } catch (error) {
      if (error instanceof OperationError) return error;
      return new OperationError('Notify', response.code, `undecodable: ${(error as Error).message}`);
    }
  }

  async #ask(
    operation: string,
    method: Method,
    path: Path,
    rest: Omit<OutgoingRequest, 'method' | 'path'>,
    options: Pick<OperationOptions, 'signal'>,
  ): Promise<IncomingResponse> {
    const response = await this.connection.request(
      { method, path: this.#segments(path), ...rest },
      { signal: options.signal },
    );
    expectSuccess(operation, response);
    return response;
  }

  #segments(path: Path): string[] {
    return [...this.#registration.rootPath.split('/').filter(Boolean), ...path.ids.map(String)];
  }

  #content(operation: string, path: Path, response: IncomingResponse): ReadResult {
    const contentFormat = response.contentFormat ?? CONTENT_FORMATS.text;
    if (response.code !== RESPONSE_CODES.content)
      throw new OperationError(operation, response.code, 'unexpected success code');
    const options = { now: this.#clock.wallTime() };
    return { entries: decodeEntries(contentFormat, path, response.payload, this.#shapeOf, options), contentFormat };
  }

  #body(
    path: Path,
    entries: readonly Entry[],
    format: number | undefined,
  ): { contentFormat: number; payload: Uint8Array } {
    const contentFormat = format ?? this.#writeFormat(path);
    return { contentFormat, payload: encodeEntries(contentFormat, path, entries, this.#shapeOf) };
  }

  /** Single values as text or opaque, everything else as TLV, which every version reads. */
  #writeFormat(path: Path): number {
    const shape = path.resource === undefined ? undefined : this.#shapeOf(path.prefix(3));
    if (path.resource === undefined || (shape?.multiple && path.resourceInstance === undefined))
      return CONTENT_FORMATS.tlv;
    return shape?.type === 'opaque' ? CONTENT_FORMATS.opaque : CONTENT_FORMATS.text;
  }
}

function toPath(path: Path | string): Path {
  return typeof path === 'string' ? Path.parse(path) : path;
}

function expectSuccess(operation: string, response: IncomingResponse): void {
  if (response.code >> 5 === 2) return;
  throw new OperationError(operation, response.code, diagnosticOf(response));
}

function diagnosticOf(response: IncomingResponse): string {
  if (response.contentFormat !== undefined && response.contentFormat !== CONTENT_FORMATS.text) return '';
  return new TextDecoder().decode(response.payload.subarray(0, 256));
}
