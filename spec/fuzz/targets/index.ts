// Every target, by the order in which they are run.

import type { FuzzTarget } from '../target.ts';
import { clientStates, cookieGate, records, serverStates } from './connections.ts';
import { crl, loading, privateKey, spki, x509 } from './crypto.ts';
import { cbor, coap, composite, coreLink, json, lwm2mCbor, senmlCbor, senmlJson, text, tlv } from './formats.ts';
import { endpoint } from './endpoint.ts';
import { handshakeMessages } from './handshake-messages.ts';
import { connectionIds, liveState } from './live-session.ts';
import { storedSession, ticket } from './sessions.ts';
import { streamFrames } from './streams.ts';

export const TARGETS: readonly FuzzTarget[] = [
  records,
  cookieGate,
  handshakeMessages,
  clientStates,
  serverStates,
  endpoint,
  connectionIds,
  liveState,
  storedSession,
  ticket,
  x509,
  crl,
  spki,
  privateKey,
  loading,
  coap,
  streamFrames,
  cbor,
  tlv,
  senmlJson,
  senmlCbor,
  lwm2mCbor,
  json,
  composite,
  text,
  coreLink,
];
