// The resource: a light that can be read, switched and observed. It knows CoAP, and nothing of what is below.

import { utf8Encode } from '../../lib/index.ts';
import {
  type CoapHandler,
  type IncomingRequest,
  type Observation,
  type OutgoingResponse,
  RESPONSE_CODES,
} from '../../lib/coap/index.ts';

const TEXT = 0; // Content-Format, RFC 7252 §12.3
const LINKS = 40; // RFC 6690
const DISCOVERY = '</light>;rt="light";ct=0;obs';

/** One light; all servers that are given its handler switch the same one. */
export class Light {
  #on = false;
  readonly #observations = new Set<Observation>();

  get observers(): number {
    return this.#observations.size;
  }

  readonly handler: CoapHandler = (request) => {
    const path = request.path.join('/');
    if (path === '.well-known/core' && request.method === 'GET') return content(LINKS, DISCOVERY);
    if (path !== 'light') return { code: RESPONSE_CODES.notFound };
    if (request.method === 'PUT') return this.#switch(request);
    if (request.method !== 'GET') return { code: RESPONSE_CODES.methodNotAllowed };
    if (request.accept !== undefined && request.accept !== TEXT) return { code: RESPONSE_CODES.notAcceptable };
    if (request.acceptObservation !== undefined) {
      const observation = request.acceptObservation({ ended: () => void this.#observations.delete(observation) });
      this.#observations.add(observation);
    }
    return this.#state;
  };

  get #state(): OutgoingResponse {
    return content(TEXT, this.#on ? 'on' : 'off');
  }

  #switch({ payload, contentFormat = TEXT }: IncomingRequest): OutgoingResponse {
    if (contentFormat !== TEXT) return { code: RESPONSE_CODES.unsupportedContentFormat };
    const to = new TextDecoder().decode(payload); // whatever bytes came: what is not UTF-8 is no word either
    if (to !== 'on' && to !== 'off') {
      const found = JSON.stringify(to.slice(0, 20));
      return { code: RESPONSE_CODES.badRequest, payload: utf8Encode(`expected on or off, found ${found}`) };
    }
    const changes = this.#on !== (to === 'on');
    this.#on = to === 'on';
    // Confirmable, so that an observer that is gone is noticed: then the promise rejects and `ended` is called.
    if (changes) for (const each of this.#observations) each.notify(this.#state, { confirmable: true }).catch(() => {});
    return { code: RESPONSE_CODES.changed };
  }
}

function content(contentFormat: number, text: string): OutgoingResponse {
  return { code: RESPONSE_CODES.content, contentFormat, payload: utf8Encode(text) };
}
