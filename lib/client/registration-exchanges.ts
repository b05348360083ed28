// Register, Update and De-register as CoAP exchanges (LwM2M Transport 1.2 §6.4.3).

import { type CoapConnection, type IncomingResponse, RESPONSE_CODES } from '../coap/index.ts';
import { LwM2mError, formatResponseCode } from './lwm2m-error.ts';
import type { LwM2mVersion, RegistrationParameters } from './registration-parameters.ts';
import type { RegistrationEvent } from './registration.ts';
import { registerQuery, updateQuery } from './registration-payload.ts';
import { CONTENT_FORMATS } from '../formats/index.ts';
import { DecodeError, utf8Encode } from '../bytes/index.ts';
import { checkLocation } from './location.ts';

/** The registration interface of one server, over one connection. */
export class RegistrationExchanges {
  readonly #connection: CoapConnection;
  readonly #endpoint: string;

  constructor(connection: CoapConnection, endpoint: string) {
    this.#connection = connection;
    this.#endpoint = endpoint;
  }

  /** @throws CoapError, SocketError if there is no answer; LwM2mError EPROTO if it names no place that can be used */
  async register(
    version: LwM2mVersion,
    parameters: RegistrationParameters,
    signal: AbortSignal,
  ): Promise<RegistrationEvent> {
    const request = {
      method: 'POST',
      path: ['rd'],
      query: registerQuery(this.#endpoint, version, parameters),
      contentFormat: CONTENT_FORMATS.coreLink,
      payload: utf8Encode(parameters.objects),
    } as const;
    const response = await this.#connection.request(request, { signal });
    if (response.code !== RESPONSE_CODES.created) return refused(response);
    return { kind: 'accepted', location: usableLocation(response) };
  }

  /** @throws CoapError, SocketError if there is no answer */
  async update(
    version: LwM2mVersion,
    location: readonly string[],
    changes: Partial<RegistrationParameters>,
    signal: AbortSignal,
  ): Promise<RegistrationEvent> {
    const { objects } = changes;
    const body = objects === undefined ? {} : { contentFormat: CONTENT_FORMATS.coreLink, payload: utf8Encode(objects) };
    const query = updateQuery(version, changes);
    const response = await this.#connection.request({ method: 'POST', path: location, query, ...body }, { signal });
    return response.code === RESPONSE_CODES.changed ? { kind: 'accepted' } : refused(response);
  }

  /** Whatever the answer says, we are gone. @throws CoapError, SocketError if there is none */
  async deregister(location: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#connection.request({ method: 'DELETE', path: location }, { signal });
  }
}

function usableLocation({ locationPath }: IncomingResponse): readonly string[] {
  try {
    checkLocation(locationPath);
  } catch (error) {
    throw error instanceof DecodeError
      ? new LwM2mError('EPROTO', `Register was answered, but ${error.message}`)
      : error;
  }
  return locationPath;
}

function refused({ code }: IncomingResponse): RegistrationEvent {
  return { kind: 'failed', reason: { kind: 'refused', code } };
}

const ADVICE: Readonly<Record<number, string>> = {
  [RESPONSE_CODES.badRequest]: 'the server does not accept what we register; is the endpoint name one that it knows?',
  [RESPONSE_CODES.unauthorized]: 'is the endpoint name the one that these credentials belong to?',
  [RESPONSE_CODES.forbidden]: 'is the endpoint name the one that these credentials belong to?',
  [RESPONSE_CODES.notFound]: 'is this the URI of an LwM2M server?',
  [RESPONSE_CODES.preconditionFailed]: 'the server has none of our LwM2M versions; see the option versions',
};

/** What a refused registration means, and what to look at. */
export function refusedError(uri: string, code: number): LwM2mError {
  const advice = ADVICE[code];
  const tail = advice === undefined ? '' : `: ${advice}`;
  return new LwM2mError('EREFUSED', `${uri} refused the registration with ${formatResponseCode(code)}${tail}`, code);
}
