// The embedded LwM2M server: keeps registrations and gives a RegisteredDevice for each (LwM2M Core 1.2 §6.2, §6.4.3).

import {
  type CoapConnection,
  type IncomingRequest,
  type OutgoingResponse,
  RESPONSE_CODES,
  type TcpCoapOptions,
  type UdpCoapOptions,
  serveCoap,
  serveCoapStreams,
} from '../coap/index.ts';
import { DecodeError, toHex, utf8Decode, utf8Encode } from '../bytes/index.ts';
import type { AnySocket, DatagramSocket, Endpoint, Negotiated, SocketError, StreamSocket } from '../net/index.ts';
import { type Environment, Events, type Timer, systemEnvironment } from '../runtime/index.ts';
import { CONTENT_FORMATS, FormatError, type ShapeOf, decodeEntries } from '../formats/index.ts';
import { type ObjectDefinition, Path } from '../model/index.ts';
import { type ReadResult, RegisteredDevice } from './registered-device.ts';
import { REGISTRY_LIMITS, type Registration, Registry, type RegistryLimits } from './registry.ts';
import { endpointName, parseRegistration } from './registration-request.ts';
import { shapesOf } from './shapes.ts';

/** Who is at the other end of a connection. */
export interface Peer {
  readonly endpoint: Endpoint;
  /** What the handshake proved; undefined without security. */
  readonly negotiated: Negotiated | undefined;
}

export interface ServerEvents {
  connected: { readonly peer: Peer };
  disconnected: { readonly peer: Peer; readonly cause: SocketError | undefined };
  registered: { readonly device: RegisteredDevice; readonly peer: Peer; readonly replaced: boolean };
  updated: { readonly device: RegisteredDevice; readonly peer: Peer };
  deregistered: { readonly device: RegisteredDevice };
  /** Its lifetime passed without an Update. */
  expired: { readonly device: RegisteredDevice };
  /** The device's Send operation (LwM2M Core 1.2 §6.4.6). */
  sent: { readonly device: RegisteredDevice; readonly result: ReadResult };
  /** A request that was refused, and why, in words for people. */
  refused: { readonly peer: Peer; readonly operation: string; readonly reason: string };
}

export interface LwM2mServerOptions {
  readonly environment?: Environment | undefined;
  /** Objects whose types the server knows; values of others come as their format tells. */
  readonly definitions?: readonly ObjectDefinition[] | undefined;
  /** Whether a peer may register under an endpoint name. Default: any name, once per identity. */
  readonly mayRegister?: ((peer: Peer, endpoint: string) => boolean) | undefined;
  /** Serve listeners without security. Default false. */
  readonly dangerAllowNoSec?: boolean | undefined;
  readonly limits?: Partial<RegistryLimits> | undefined;
  /** Limits of CoAP for each session. Defaults: those of a peer nobody trusts yet, see `SESSION_LIMITS`. */
  readonly coap?: Omit<UdpCoapOptions & TcpCoapOptions, 'admits' | 'handler' | 'onClosed'> | undefined;
}

// There may be 10,000 sessions, so one gets a part of what a lone connection may use. Ours; registrations and Sends are small.
const SESSION_LIMITS: UdpCoapOptions & TcpCoapOptions = Object.freeze({
  maxBodyBytes: 262_144,
  maxTransfers: 2,
  maxKeptBytes: 65_536,
  maxRememberedMessages: 256,
  maxRememberedBytes: 65_536,
  maxObservations: 0, // there is nothing to observe at a server
});
const LONGEST_REASON = 256; // characters of a refusal's diagnostic payload

interface Session {
  readonly connection: CoapConnection;
  readonly peer: Peer;
  readonly socket: AnySocket;
}

/** Registration, Send and device operations over any listening sockets, for datagrams or streams. */
export class LwM2mServer {
  readonly events: Events<ServerEvents> = new Events<ServerEvents>();
  readonly #environment: Environment;
  readonly #options: LwM2mServerOptions;
  readonly #limits: RegistryLimits;
  readonly #registry: Registry;
  readonly #perIdentity = new Map<string, number>();
  readonly #shapeOf: ShapeOf;
  readonly #devices = new Map<string, { readonly device: RegisteredDevice; readonly identity: string | undefined }>();
  readonly #listeners = new Set<AnySocket>();
  readonly #sessions = new Map<AnySocket, Session>();
  readonly #registeredOver = new WeakMap<CoapConnection, string>();
  #expiry: Timer | undefined;

  constructor(options: LwM2mServerOptions = {}) {
    this.#options = { ...options };
    this.#environment = options.environment ?? systemEnvironment();
    this.#limits = { ...REGISTRY_LIMITS, ...options.limits };
    this.#registry = new Registry(this.#limits);
    this.#shapeOf = shapesOf(options.definitions ?? []);
  }

  /** Registered devices, oldest registration first. */
  get devices(): readonly RegisteredDevice[] {
    return this.#registry.all().map(({ id }) => this.#devices.get(id)!.device);
  }

  /** The device registered under an endpoint name. */
  device(endpoint: string): RegisteredDevice | undefined {
    const registration = this.#registry.byEndpoint(endpoint);
    return registration === undefined ? undefined : this.#devices.get(registration.id)?.device;
  }

  /**
   * Serves a bound listening socket, which becomes the server's: it is disposed of when the server closes.
   * @throws Error if the socket is not secure and `dangerAllowNoSec` is not given
   */
  serve(listener: DatagramSocket | StreamSocket): void {
    if (!listener.secure && this.#options.dangerAllowNoSec !== true) {
      throw new Error('the listener has no security: use a secure one, or say dangerAllowNoSec');
    }
    this.#listeners.add(listener);
    const welcome = (connection: CoapConnection, socket: AnySocket): void => this.#welcome(connection, socket);
    const options = (socket: AnySocket): UdpCoapOptions & TcpCoapOptions => ({
      ...SESSION_LIMITS,
      ...this.#options.coap,
      onClosed: (cause) => this.#goodbye(socket, cause),
    });
    const serving =
      listener.transport === 'datagram'
        ? serveCoap(listener, this.#environment, welcome, options)
        : serveCoapStreams(listener, this.#environment, welcome, options);
    serving.ended.catch((error: unknown) => this.#environment.log.error({ err: error }, 'the listener ended'));
  }

  /** Closes every connection, and the listeners for good: their keys are zeroed. Registrations are forgotten. */
  close(): void {
    this.#expiry?.cancel();
    for (const { connection, socket } of this.#sessions.values()) {
      connection.close();
      socket.close();
    }
    for (const listener of this.#listeners) void listener[Symbol.asyncDispose]();
    this.#sessions.clear();
    this.#listeners.clear();
    for (const { id } of this.#registry.all()) this.#registry.remove(id);
    this.#devices.clear();
    this.#perIdentity.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #welcome(connection: CoapConnection, socket: AnySocket): void {
    const peer: Peer = { endpoint: socket.remote!, negotiated: socket.getOption('negotiated') };
    const session: Session = { connection, peer, socket };
    this.#sessions.set(socket, session);
    connection.handler = (request) => this.#handle(request, session);
    this.#emit('connected', { peer });
  }

  #goodbye(socket: AnySocket, cause: SocketError | undefined): void {
    const session = this.#sessions.get(socket);
    if (session === undefined) return;
    this.#sessions.delete(socket);
    this.#emit('disconnected', { peer: session.peer, cause });
  }

  #handle(request: IncomingRequest, session: Session): OutgoingResponse {
    const [first, id, ...rest] = request.path;
    const operation = `${request.method} /${request.path.join('/')}`;
    try {
      if (first === 'rd' && id === undefined && request.method === 'POST') return this.#register(request, session);
      if (first === 'rd' && id !== undefined && rest.length === 0) return this.#atRegistration(id, request, session);
      if (first === 'dp' && id === undefined && request.method === 'POST') return this.#received(request, session);
      return this.#refuse(session.peer, operation, RESPONSE_CODES.notFound, 'no such resource');
    } catch (error) {
      if (error instanceof DecodeError)
        return this.#refuse(session.peer, operation, RESPONSE_CODES.badRequest, error.message);
      if (error instanceof FormatError) {
        return this.#refuse(session.peer, operation, RESPONSE_CODES.unsupportedContentFormat, error.message);
      }
      throw error;
    }
  }

  #register(request: IncomingRequest, session: Session): OutgoingResponse {
    const { peer } = session;
    const given = parseRegistration(request.query, request.payload, this.#limits.maxLinkBytes);
    const identity = identityOf(peer);
    // Since 1.1 a device may leave ep out: its identity then names it (LwM2M Core 1.2 §6.2.1).
    const endpoint =
      given.endpoint ?? (peer.negotiated?.pskIdentity && endpointName(utf8Decode(peer.negotiated.pskIdentity, 'ep')));
    if (endpoint === undefined) throw new DecodeError('ep', 'an endpoint client name', 'none');
    if (given.links === undefined)
      throw new DecodeError('registration payload', 'the objects as CoRE links', 'nothing');
    const before = this.#registry.byEndpoint(endpoint);
    const taken = before !== undefined && this.#devices.get(before.id)?.identity !== identity;
    if (taken || this.#options.mayRegister?.(peer, endpoint) === false) {
      return this.#refuse(
        peer,
        'Register',
        RESPONSE_CODES.forbidden,
        `this peer may not register as ${JSON.stringify(endpoint)}`,
      );
    }
    if (before === undefined && (this.#perIdentity.get(identity ?? '') ?? 0) >= this.#limits.maxPerIdentity) {
      return this.#refuse(peer, 'Register', RESPONSE_CODES.forbidden, 'this peer has too many registrations');
    }
    const id = toHex(this.#environment.random.bytes(8));
    const kept = this.#registry.register(id, endpoint, given, this.#time());
    if (kept === undefined)
      return this.#refuse(peer, 'Register', RESPONSE_CODES.serviceUnavailable, 'the registry is full');
    if (kept.replaced !== undefined) this.#drop(kept.replaced.id);
    const device = this.#deviceOf(kept.registration, session);
    this.#keep(id, device, identity);
    this.#registeredOver.set(session.connection, id);
    this.#armExpiry();
    this.#afterAnswer(() => this.#emit('registered', { device, peer, replaced: kept.replaced !== undefined }));
    return { code: RESPONSE_CODES.created, locationPath: ['rd', id] };
  }

  #atRegistration(id: string, request: IncomingRequest, session: Session): OutgoingResponse {
    const operation = request.method === 'DELETE' ? 'De-register' : 'Update';
    if (request.method !== 'POST' && request.method !== 'DELETE') {
      return this.#refuse(
        session.peer,
        operation,
        RESPONSE_CODES.methodNotAllowed,
        `${request.method} is no operation here`,
      );
    }
    const known = this.#devices.get(id);
    // Another identity's registration is as good as none: its existence is not this peer's to know.
    if (known === undefined || known.identity !== identityOf(session.peer)) {
      return this.#refuse(session.peer, operation, RESPONSE_CODES.notFound, 'no such registration');
    }
    return request.method === 'DELETE' ? this.#deregister(id, known.device) : this.#update(id, request, session);
  }

  #update(id: string, request: IncomingRequest, session: Session): OutgoingResponse {
    const given = parseRegistration(request.query, request.payload, this.#limits.maxLinkBytes);
    const registration = this.#registry.update(id, given, this.#time());
    if (registration === undefined) {
      return this.#refuse(session.peer, 'Update', RESPONSE_CODES.serviceUnavailable, 'the registry is full');
    }
    const known = this.#devices.get(id)!;
    let { device } = known;
    if (device.connection === session.connection) device.follow(registration);
    else {
      device = this.#deviceOf(registration, session);
      this.#devices.set(id, { device, identity: known.identity });
      this.#registeredOver.set(session.connection, id);
    }
    this.#armExpiry();
    this.#afterAnswer(() => {
      if (device !== known.device) device.observeAnew(known.device, session.socket.transport === 'stream');
      this.#emit('updated', { device, peer: session.peer });
    });
    return { code: RESPONSE_CODES.changed };
  }

  #deregister(id: string, device: RegisteredDevice): OutgoingResponse {
    this.#registry.remove(id);
    this.#drop(id);
    this.#armExpiry();
    this.#afterAnswer(() => this.#emit('deregistered', { device }));
    return { code: RESPONSE_CODES.deleted };
  }

  #received(request: IncomingRequest, session: Session): OutgoingResponse {
    const known = this.#devices.get(this.#registeredOver.get(session.connection) ?? '');
    if (known === undefined) {
      return this.#refuse(session.peer, 'Send', RESPONSE_CODES.notFound, 'this peer is not registered');
    }
    const contentFormat = request.contentFormat ?? CONTENT_FORMATS.senmlJson;
    const options = { now: this.#environment.clock.wallTime() };
    const entries = decodeEntries(contentFormat, Path.root, request.payload, this.#shapeOf, options);
    const { device } = known;
    this.#afterAnswer(() => this.#emit('sent', { device, result: { entries, contentFormat } }));
    return { code: RESPONSE_CODES.changed };
  }

  #refuse(peer: Peer, operation: string, code: OutgoingResponse['code'], reason: string): OutgoingResponse {
    this.#emit('refused', { peer, operation, reason });
    return { code, payload: utf8Encode(reason.slice(0, LONGEST_REASON)) };
  }

  /** The answer leaves first: a listener that talks to the device then finds it registered. */
  #afterAnswer(emit: () => void): void {
    this.#environment.timers.at(this.#environment.clock.now(), emit);
  }

  /** What a listener throws is its own affair: the server goes on. */
  #emit<K extends keyof ServerEvents>(name: K, payload: ServerEvents[K]): void {
    try {
      this.events.emit(name, payload);
    } catch (error) {
      const kind = error instanceof Error ? error.name : typeof error;
      this.#environment.log.error({ event: name, error: kind }, 'a listener failed');
    }
  }

  #deviceOf(registration: Registration, { connection }: Session): RegisteredDevice {
    return new RegisteredDevice(registration, connection, this.#shapeOf, this.#environment.clock);
  }

  #keep(id: string, device: RegisteredDevice, identity: string | undefined): void {
    this.#devices.set(id, { device, identity });
    if (identity !== undefined) this.#perIdentity.set(identity, (this.#perIdentity.get(identity) ?? 0) + 1);
  }

  #drop(id: string): void {
    const identity = this.#devices.get(id)?.identity;
    this.#devices.delete(id);
    if (identity === undefined) return;
    const left = (this.#perIdentity.get(identity) ?? 1) - 1;
    if (left === 0) this.#perIdentity.delete(identity);
    else this.#perIdentity.set(identity, left);
  }

  #time(): { now: ReturnType<Environment['clock']['now']>; wall: number } {
    const { clock } = this.#environment;
    return { now: clock.now(), wall: clock.wallTime() };
  }

  #armExpiry(): void {
    this.#expiry?.cancel();
    this.#expiry = this.#environment.timers.at(this.#registry.nextExpiry(), () => {
      for (const { id } of this.#registry.expire(this.#environment.clock.now())) {
        const known = this.#devices.get(id);
        this.#drop(id);
        if (known !== undefined) this.#emit('expired', { device: known.device });
      }
      this.#armExpiry();
    });
  }
}

function identityOf(peer: Peer): string | undefined {
  return peer.negotiated?.pskIdentity && toHex(peer.negotiated.pskIdentity);
}
