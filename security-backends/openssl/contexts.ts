// The SSL_CTX objects: one for each transport, with a key log and without, for the whole process. All that differs between
// connections is set on the connection.

import { callbacksOf } from './callbacks.ts';
import { SSL_CTRL, SSL_OP, SSL_SESSION_CACHE } from './constants.ts';
import type { Pointer } from './functions.ts';
import type { OpenSsl, Transport } from './library.ts';
import { outOfMemory } from './native-memory.ts';

const contexts = new WeakMap<OpenSsl, Map<string, Pointer>>();

/** @throws SocketError ENOBUFS */
export function contextOf(library: OpenSsl, transport: Transport, keyLog: boolean): Pointer {
  const ours = contexts.get(library) ?? new Map<string, Pointer>();
  contexts.set(library, ours);
  const key = `${transport} ${keyLog}`;
  const context = ours.get(key) ?? makeContext(library, transport, keyLog);
  ours.set(key, context);
  return context;
}

function makeContext(library: OpenSsl, transport: Transport, keyLog: boolean): Pointer {
  const method = transport === 'datagram' ? library.DTLS_client_method() : library.TLS_client_method();
  const context = library.SSL_CTX_new(method);
  if (context === null) throw outOfMemory();
  const callbacks = callbacksOf(library);
  // Level 1 refuses CCM_8, which LwM2M makes mandatory. What levels stand for is decided by name: versions, suites, groups
  // and signature algorithms are lists of ours, and the sizes of keys are looked at where certificates are.
  library.SSL_CTX_set_security_level(context, 0);
  library.SSL_CTX_set_options(context, SSL_OP.noCompression + SSL_OP.noRenegotiation + SSL_OP.noQueryMtu);
  const cache = SSL_SESSION_CACHE.client + SSL_SESSION_CACHE.noInternal;
  library.SSL_CTX_ctrl(context, SSL_CTRL.setSessionCacheMode, cache, null);
  library.SSL_CTX_sess_set_new_cb(context, callbacks.newSession);
  library.SSL_CTX_set_info_callback(context, callbacks.info);
  library.SSL_CTX_set_cert_verify_callback(context, callbacks.certVerify, null);
  if (keyLog) library.SSL_CTX_set_keylog_callback(context, callbacks.keyLog);
  return context;
}
