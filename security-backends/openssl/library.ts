// libssl and libcrypto, loaded once through koffi when they are first asked for. Nothing here keeps state of a connection.

import { createRequire } from 'node:module';
import type koffiModule from 'koffi';
import { SocketError } from '../../lib/net/index.ts';
import {
  CALLBACKS,
  KOFFI_TYPES,
  LIBCRYPTO_FUNCTIONS,
  LIBCRYPTO_SYMBOLS,
  LIBSSL_FUNCTIONS,
  LIBSSL_SYMBOLS,
  type NativeFunction,
  type NativeFunctions,
  type Pointer,
  type Signature,
} from './functions.ts';

type Koffi = typeof koffiModule;
type Callbacks = typeof CALLBACKS;
type SymbolName = (typeof LIBCRYPTO_SYMBOLS)[number] | (typeof LIBSSL_SYMBOLS)[number];

/** Datagrams: DTLS. Stream: TLS. */
export type Transport = 'datagram' | 'stream';

/** Where the libraries are found: names that the system's loader knows, or paths. */
export interface OpenSslLibraries {
  readonly libssl: string;
  readonly libcrypto: string;
}

/** The functions by their C names, and how memory of C is read and written. */
export interface OpenSsl extends NativeFunctions<typeof LIBSSL_FUNCTIONS>, NativeFunctions<typeof LIBCRYPTO_FUNCTIONS> {
  /** As OpenSSL says it, e.g. `OpenSSL 3.0.19 27 Jan 2026`. */
  readonly version: string;
  readonly symbols: Readonly<Record<SymbolName, Pointer>>;
  /** Bytes of a C `long`. */
  readonly longBytes: number;
  /** A copy of `length` bytes at `from`. */
  copyFrom(from: Pointer, length: number): Uint8Array;
  copyTo(to: Pointer, bytes: Uint8Array): void;
  /** A C string without its end, at most `most` bytes. */
  stringAt(from: Pointer, most: number): Uint8Array;
  /** A function pointer that lives as long as the process: for callbacks that all connections share. */
  callback<Name extends keyof Callbacks>(name: Name, call: NativeFunction<Callbacks[Name]>): Pointer;
}

const NAMES: Readonly<Partial<Record<NodeJS.Platform, OpenSslLibraries>>> = {
  darwin: { libssl: 'libssl.3.dylib', libcrypto: 'libcrypto.3.dylib' },
  win32: { libssl: 'libssl-3-x64.dll', libcrypto: 'libcrypto-3-x64.dll' },
};
const UNIX_NAMES: OpenSslLibraries = { libssl: 'libssl.so.3', libcrypto: 'libcrypto.so.3' };

const LEAST_VERSION = 0x3000_0000;
const FIRST_UNKNOWN_VERSION = 0x4000_0000;

const loaded = new Map<string, OpenSsl>();

/**
 * The libraries, loaded once for the process.
 * @throws SocketError ENOTSUP that says what to install, if koffi or OpenSSL 3 is not there
 */
export function loadOpenSsl(libraries: OpenSslLibraries = NAMES[process.platform] ?? UNIX_NAMES): OpenSsl {
  const key = JSON.stringify([libraries.libssl, libraries.libcrypto]);
  const known = loaded.get(key);
  if (known !== undefined) return known;
  const library = bind(loadKoffi(), libraries);
  loaded.set(key, library);
  return library;
}

function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch (cause) {
    throw new SocketError('ENOTSUP', 'openssl: the package koffi is not here: npm install koffi', { cause });
  }
}

function bind(koffi: Koffi, { libssl, libcrypto }: OpenSslLibraries): OpenSsl {
  const crypto = open(koffi, libcrypto);
  const ssl = open(koffi, libssl);
  const functions = {
    ...functionsOf(crypto, LIBCRYPTO_FUNCTIONS, libcrypto),
    ...functionsOf(ssl, LIBSSL_FUNCTIONS, libssl),
  };
  const version = checkedVersion(functions, libcrypto);
  const symbols = { ...symbolsOf(crypto, LIBCRYPTO_SYMBOLS), ...symbolsOf(ssl, LIBSSL_SYMBOLS) };
  return { ...functions, ...memoryOf(koffi), version, symbols, callback: callbacksOf(koffi) };
}

type Library = ReturnType<Koffi['load']>;

function open(koffi: Koffi, name: string): Library {
  try {
    // Node exports an OpenSSL of its own: without `deep` (RTLD_DEEPBIND) the library would call into that one.
    return koffi.load(name, { deep: true });
  } catch (cause) {
    const how = 'install OpenSSL 3 (Debian, Ubuntu: apt install libssl3; Fedora: openssl-libs; macOS: openssl@3)';
    throw new SocketError('ENOTSUP', `openssl: ${name} cannot be loaded: ${how}, or give \`libraries\``, { cause });
  }
}

function functionsOf<T extends Readonly<Record<string, Signature>>>(
  library: Library,
  table: T,
  name: string,
): NativeFunctions<T> {
  const functions = Object.entries(table).map(([key, [result, values, symbol]]) => {
    try {
      const types = values.map((type) => KOFFI_TYPES[type]);
      return [key, library.func(symbol ?? key, KOFFI_TYPES[result], types)];
    } catch (cause) {
      throw new SocketError('ENOTSUP', `openssl: ${name} has no ${symbol ?? key}: OpenSSL 3 is needed`, { cause });
    }
  });
  return Object.fromEntries(functions) as NativeFunctions<T>;
}

function symbolsOf<Name extends string>(library: Library, names: readonly Name[]): Record<Name, Pointer> {
  return Object.fromEntries(names.map((name) => [name, library.symbol(name)])) as Record<Name, Pointer>;
}

function checkedVersion(
  { OpenSSL_version, OpenSSL_version_num }: NativeFunctions<typeof LIBCRYPTO_FUNCTIONS>,
  name: string,
): string {
  const version = OpenSSL_version(0) ?? 'unknown';
  const number = OpenSSL_version_num();
  if (number >= LEAST_VERSION && number < FIRST_UNKNOWN_VERSION) return version;
  throw new SocketError('ENOTSUP', `openssl: expected OpenSSL 3 at ${name}, found ${version}`);
}

function memoryOf(koffi: Koffi): Pick<OpenSsl, 'longBytes' | 'copyFrom' | 'copyTo' | 'stringAt'> {
  const bytesOf = byteArrays(koffi);
  return {
    longBytes: koffi.sizeof('long'),
    copyFrom: (from, length) =>
      length === 0 ? new Uint8Array(0) : Uint8Array.from(koffi.decode(from, bytesOf(length)) as Uint8Array),
    copyTo: (to, bytes) => {
      if (bytes.length > 0) koffi.encode(to, bytesOf(bytes.length), bytes);
    },
    stringAt(from, most) {
      const bytes: number[] = [];
      for (let at = 0; at < most; at++) {
        const byte = koffi.decode.uint8(from + BigInt(at));
        if (byte === 0) break;
        bytes.push(byte);
      }
      return Uint8Array.from(bytes);
    },
  };
}

/** The type `uint8_t[length]`, made once for each length: koffi keeps whatever type it makes, for good. */
function byteArrays(koffi: Koffi): (length: number) => ReturnType<Koffi['array']> {
  const types = new Map<number, ReturnType<Koffi['array']>>();
  return (length) => {
    const type = types.get(length) ?? koffi.array('uint8_t', length);
    types.set(length, type);
    return type;
  };
}

function callbacksOf(koffi: Koffi): OpenSsl['callback'] {
  return (name, call) => {
    const [result, values] = CALLBACKS[name];
    const types = values.map((type) => KOFFI_TYPES[type]);
    return koffi.register(call, koffi.pointer(koffi.proto(KOFFI_TYPES[result], types)));
  };
}
