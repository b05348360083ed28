// What the client tells the application, as it happens.

import type { Endpoint, Negotiated } from '../net/index.ts';
import type { Duration } from '../runtime/index.ts';
import type { LwM2mVersion } from './registration-parameters.ts';

/** Which server an event is about. */
export interface ServerReference {
  readonly shortServerId: number;
  readonly uri: string;
}

/** Event name → payload. */
export interface ClientEvents {
  /** Before connecting: the commonName of our certificate is not the endpoint name, which servers such as Leshan require. */
  certificateNameDiffers: {
    readonly server: ServerReference;
    readonly endpoint: string;
    readonly commonNames: readonly string[];
  };
  connecting: { readonly server: ServerReference };
  connected: {
    readonly server: ServerReference;
    readonly local: Endpoint | undefined;
    readonly remote: Endpoint | undefined;
    /** What the handshake agreed on; undefined without security. */
    readonly negotiated: Negotiated | undefined;
  };
  /** The connection ended without our doing; the client makes a new one. */
  disconnected: { readonly server: ServerReference; readonly cause: Error | undefined };
  registered: {
    readonly server: ServerReference;
    /** `/rd/5a3f` */
    readonly location: string;
    /** Seconds; 0 is infinite. */
    readonly lifetime: number;
    readonly version: LwM2mVersion;
  };
  updated: { readonly server: ServerReference; readonly location: string; readonly lifetime: number };
  deregistered: { readonly server: ServerReference };
  registrationFailed: {
    readonly server: ServerReference;
    readonly error: Error;
    /** Until the next attempt; undefined when all are used up: then `update()` tries again. */
    readonly retryAfter: Duration | undefined;
  };
  /** A Send was refused to the application: /1/x/23 is true, or (`absent`) not there. */
  sendMuted: { readonly server: ServerReference; readonly absent: boolean };
  /** A server's request was answered. */
  request: {
    readonly server: ServerReference;
    readonly method: string;
    /** `/3/0/1` */
    readonly path: string;
    /** Of the response, such as 0x45 for 2.05; undefined if there was none. */
    readonly code: number | undefined;
  };
}
