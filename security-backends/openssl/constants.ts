// Numbers of OpenSSL's headers (ssl.h, tls1.h, bio.h, x509_vfy.h), the same in all of 3.x.

export const SSL_CTRL = {
  setMtu: 17,
  setSessionCacheMode: 44,
  setServerName: 55,
  dtlsGetTimeout: 73,
  dtlsHandleTimeout: 74,
  chainCertificate: 89,
  clientCertificateTypes: 103,
  setGroupsList: 92,
  setSignatureAlgorithmsList: 98,
  extendedMasterSecretSupport: 122,
  setMinimumVersion: 123,
  setMaximumVersion: 124,
  negotiatedGroup: 134,
  setRetryVerify: 136,
} as const;

export const SSL_OP = {
  noQueryMtu: 2 ** 12,
  noTicket: 2 ** 14,
  noCompression: 2 ** 17,
  noRenegotiation: 2 ** 30,
} as const;

export const SSL_ERROR = { ssl: 1, wantRead: 2, wantWrite: 3, syscall: 5, zeroReturn: 6, wantRetryVerify: 12 } as const;

export const SSL_CB = { readAlert: 0x4004, writeAlert: 0x4008 } as const;

export const SSL_SESSION_CACHE = { client: 0x0001, noInternal: 0x0300 } as const;

export const SSL_VERIFY_PEER = 1;

export const BIO_CTRL = { setMemEofReturn: 130 } as const;

/** libssl's protocol numbers: those of the wire. */
export const VERSION_NUMBERS = { 'TLS1.2': 0x0303, 'TLS1.3': 0x0304, 'DTLS1.2': 0xfefd } as const;

/** NIDs of groups, as SSL_get_negotiated_group gives them, with IANA's names. */
export const GROUP_NAMES: Readonly<Record<number, string>> = {
  415: 'secp256r1',
  715: 'secp384r1',
  1034: 'x25519',
};

/** Verification errors of x509_vfy.h by the alert that libssl makes of them (statem_lib.c); the last is for what has none. */
export const VERIFY_ERRORS = {
  bad_certificate: 62,
  unsupported_certificate: 26,
  certificate_revoked: 23,
  certificate_expired: 10,
  unknown_ca: 20,
  certificate_unknown: 71,
} as const;
