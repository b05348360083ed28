// The functions of libssl 3 and libcrypto 3 that this backend calls, as data: names, results and arguments of OpenSSL's headers.

/** An address; null is NULL. */
export type Pointer = bigint;

/** What stands for which C type: `bytes` is a `void *` that is given an array of ours. */
interface NativeTypes {
  readonly void: void;
  readonly int: number;
  readonly uint: number;
  readonly long: number;
  readonly ulong: number;
  readonly size_t: number;
  readonly uint64: number;
  readonly pointer: Pointer | null;
  readonly bytes: Uint8Array;
  readonly text: string | null;
}

export type NativeType = keyof NativeTypes;

/** The type's name for koffi. */
export const KOFFI_TYPES: Readonly<Record<NativeType, string>> = {
  void: 'void',
  int: 'int',
  uint: 'unsigned int',
  long: 'long',
  ulong: 'unsigned long',
  size_t: 'size_t',
  uint64: 'uint64_t',
  pointer: 'void *',
  bytes: 'void *',
  text: 'const char *',
};

/** Result, arguments, and the symbol where it is not the key. */
export type Signature = readonly [result: NativeType, arguments: readonly NativeType[], symbol?: string];

export type NativeFunction<S extends Signature> = (...values: NativeValues<S[1]>) => NativeTypes[S[0]];

type NativeValues<Types extends readonly NativeType[]> = {
  -readonly [Index in keyof Types]: NativeTypes[Types[Index]];
};

export type NativeFunctions<T extends Readonly<Record<string, Signature>>> = {
  readonly [Name in keyof T]: NativeFunction<T[Name]>;
};

export const LIBCRYPTO_FUNCTIONS = {
  OpenSSL_version_num: ['ulong', []],
  OpenSSL_version: ['text', ['int']],
  ERR_clear_error: ['void', []],
  ERR_get_error: ['ulong', []],
  ERR_reason_error_string: ['text', ['ulong']],
  BIO_new: ['pointer', ['pointer']],
  BIO_s_mem: ['pointer', []],
  BIO_free: ['int', ['pointer']],
  BIO_read: ['int', ['pointer', 'bytes', 'int']],
  BIO_write: ['int', ['pointer', 'bytes', 'int']],
  BIO_ctrl: ['long', ['pointer', 'int', 'long', 'pointer']],
  BIO_ctrl_pending: ['size_t', ['pointer']],
  ASN1_i2d_bio: ['int', ['pointer', 'pointer', 'pointer']],
  ASN1_d2i_bio: ['pointer', ['pointer', 'pointer', 'pointer', 'pointer']],
  OPENSSL_sk_num: ['int', ['pointer']],
  OPENSSL_sk_value: ['pointer', ['pointer', 'int']],
  X509_free: ['void', ['pointer']],
  EVP_PKEY_free: ['void', ['pointer']],
  X509_STORE_CTX_get_ex_data: ['pointer', ['pointer', 'int']],
  X509_STORE_CTX_get0_untrusted: ['pointer', ['pointer']],
  X509_STORE_CTX_set_error: ['void', ['pointer', 'int']],
} as const satisfies Readonly<Record<string, Signature>>;

export const LIBSSL_FUNCTIONS = {
  DTLS_client_method: ['pointer', []],
  TLS_client_method: ['pointer', []],
  SSL_CTX_new: ['pointer', ['pointer']],
  SSL_CTX_ctrl: ['long', ['pointer', 'int', 'long', 'pointer']],
  SSL_CTX_set_options: ['uint64', ['pointer', 'uint64']],
  SSL_CTX_set_security_level: ['void', ['pointer', 'int']],
  SSL_CTX_set_info_callback: ['void', ['pointer', 'pointer']],
  SSL_CTX_set_cert_verify_callback: ['void', ['pointer', 'pointer', 'pointer']],
  SSL_CTX_set_keylog_callback: ['void', ['pointer', 'pointer']],
  SSL_CTX_sess_set_new_cb: ['void', ['pointer', 'pointer']],
  SSL_new: ['pointer', ['pointer']],
  SSL_free: ['void', ['pointer']],
  SSL_ctrl: ['long', ['pointer', 'int', 'long', 'pointer']],
  SSL_ctrl_text: ['long', ['pointer', 'int', 'long', 'text'], 'SSL_ctrl'],
  SSL_ctrl_bytes: ['long', ['pointer', 'int', 'long', 'bytes'], 'SSL_ctrl'],
  SSL_set_options: ['uint64', ['pointer', 'uint64']],
  SSL_set_bio: ['void', ['pointer', 'pointer', 'pointer']],
  SSL_set_connect_state: ['void', ['pointer']],
  SSL_set_cipher_list: ['int', ['pointer', 'text']],
  SSL_set_ciphersuites: ['int', ['pointer', 'text']],
  SSL_set_verify: ['void', ['pointer', 'int', 'pointer']],
  SSL_set_alpn_protos: ['int', ['pointer', 'bytes', 'int']],
  SSL_set_tlsext_max_fragment_length: ['int', ['pointer', 'int']],
  SSL_set_psk_client_callback: ['void', ['pointer', 'pointer']],
  SSL_set_cert_cb: ['void', ['pointer', 'pointer', 'pointer']],
  SSL_set_session: ['int', ['pointer', 'pointer']],
  SSL_use_certificate: ['int', ['pointer', 'pointer']],
  SSL_use_PrivateKey: ['int', ['pointer', 'pointer']],
  SSL_do_handshake: ['int', ['pointer']],
  SSL_read_ex: ['int', ['pointer', 'bytes', 'size_t', 'bytes']],
  SSL_write: ['int', ['pointer', 'bytes', 'int']],
  SSL_shutdown: ['int', ['pointer']],
  SSL_get_error: ['int', ['pointer', 'int']],
  SSL_session_reused: ['int', ['pointer']],
  SSL_get_session: ['pointer', ['pointer']],
  SSL_get_current_cipher: ['pointer', ['pointer']],
  SSL_get_psk_identity_hint: ['pointer', ['pointer']],
  SSL_get0_alpn_selected: ['void', ['pointer', 'bytes', 'bytes']],
  SSL_get0_peer_certificate: ['pointer', ['pointer']],
  SSL_get0_peer_CA_list: ['pointer', ['pointer']],
  SSL_get_sigalgs: ['int', ['pointer', 'int', 'pointer', 'pointer', 'pointer', 'bytes', 'bytes']],
  SSL_get_ex_data_X509_STORE_CTX_idx: ['int', []],
  SSL_version: ['int', ['pointer']],
  SSL_state_string_long: ['text', ['pointer']],
  SSL_CIPHER_find: ['pointer', ['pointer', 'bytes']],
  SSL_CIPHER_get_name: ['text', ['pointer']],
  SSL_CIPHER_get_protocol_id: ['int', ['pointer']],
  SSL_SESSION_has_ticket: ['int', ['pointer']],
  SSL_SESSION_is_resumable: ['int', ['pointer']],
  SSL_SESSION_free: ['void', ['pointer']],
  DTLS_get_data_mtu: ['size_t', ['pointer']],
  DTLS_set_timer_cb: ['void', ['pointer', 'pointer']],
} as const satisfies Readonly<Record<string, Signature>>;

/** What OpenSSL calls us with. `pskClient` writes through two of its arguments, each followed by the room there. */
export const CALLBACKS = {
  info: ['void', ['pointer', 'int', 'int']],
  pskClient: ['uint', ['pointer', 'pointer', 'pointer', 'uint', 'pointer', 'uint']],
  certVerify: ['int', ['pointer', 'pointer']],
  certificate: ['int', ['pointer', 'pointer']],
  newSession: ['int', ['pointer', 'pointer']],
  keyLog: ['void', ['pointer', 'text']],
  dtlsTimer: ['uint', ['pointer', 'uint']],
} as const satisfies Readonly<Record<string, Signature>>;

/** Functions that are not called but given to ASN1_i2d_bio and ASN1_d2i_bio. */
export const LIBCRYPTO_SYMBOLS = ['i2d_X509', 'd2i_X509', 'd2i_AutoPrivateKey', 'i2d_X509_NAME'] as const;
export const LIBSSL_SYMBOLS = ['i2d_SSL_SESSION', 'd2i_SSL_SESSION'] as const;
