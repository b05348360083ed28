// Things of C made from bytes and written as bytes, by way of memory BIOs that are freed on every path.

import { SocketError } from '../../lib/net/index.ts';
import type { Pointer } from './functions.ts';
import type { OpenSsl } from './library.ts';

/** @throws SocketError ENOBUFS */
export function memoryBio(library: OpenSsl): Pointer {
  const bio = library.BIO_new(library.BIO_s_mem());
  if (bio === null) throw outOfMemory();
  return bio;
}

/** Everything that waits in `bio`. */
export function drained(library: OpenSsl, bio: Pointer): Uint8Array {
  const bytes = new Uint8Array(library.BIO_ctrl_pending(bio));
  if (bytes.length > 0) library.BIO_read(bio, bytes, bytes.length);
  return bytes;
}

/** The DER of a thing, as its `i2d` function writes it. @throws SocketError EIO */
export function derOf(library: OpenSsl, i2d: Pointer, thing: Pointer | null): Uint8Array {
  const bio = memoryBio(library);
  try {
    if (thing === null || library.ASN1_i2d_bio(i2d, bio, thing) !== 1) {
      throw new SocketError('EIO', 'OpenSSL could not write what it holds');
    }
    return drained(library, bio);
  } finally {
    library.BIO_free(bio);
  }
}

/** The thing that `der` stands for, to be freed by the caller; null if OpenSSL does not take it. */
export function fromDer(library: OpenSsl, d2i: Pointer, der: Uint8Array): Pointer | null {
  const bio = memoryBio(library);
  try {
    library.BIO_write(bio, der, der.length);
    library.ERR_clear_error();
    return library.ASN1_d2i_bio(null, d2i, bio, null);
  } finally {
    library.ERR_clear_error();
    library.BIO_free(bio);
  }
}

export function outOfMemory(): SocketError {
  return new SocketError('ENOBUFS', 'OpenSSL has no memory for this');
}
