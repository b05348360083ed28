// The part of PKCS#11 2.40 that signing needs, as the package pkcs11js has it. No dependency of ours: npm install pkcs11js.

export type Handle = Buffer;

export interface Attribute {
  readonly type: number;
  readonly value?: number | boolean | string | Buffer;
}

/** An instance of the package's class PKCS11. */
export interface Pkcs11 {
  load(library: string): void;
  close(): void;
  C_Initialize(options: { readonly flags: number }): void;
  C_Finalize(): void;
  C_GetSlotList(tokenPresent: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): { readonly label: string };
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_CloseSession(session: Handle): void;
  C_Login(session: Handle, user: number, pin: string): void;
  C_FindObjectsInit(session: Handle, template: readonly Attribute[]): void;
  C_FindObjects(session: Handle, most: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_GetAttributeValue(session: Handle, object: Handle, template: readonly Attribute[]): { readonly value: Buffer }[];
  C_SignInit(session: Handle, mechanism: { readonly mechanism: number }, key: Handle): void;
  C_SignAsync(session: Handle, input: Buffer, room: Buffer): Promise<Buffer>;
}

/** Numbers of the standard, by the names it gives them. */
export const CK = {
  CKF_OS_LOCKING_OK: 2,
  CKF_SERIAL_SESSION: 4,
  CKU_USER: 1,
  CKO_CERTIFICATE: 1,
  CKO_PUBLIC_KEY: 2,
  CKO_PRIVATE_KEY: 3,
  CKA_CLASS: 0,
  CKA_LABEL: 3,
  CKA_VALUE: 0x11,
  CKA_ISSUER: 0x81,
  CKA_SUBJECT: 0x101,
  CKA_EC_PARAMS: 0x180,
  CKA_EC_POINT: 0x181,
  CKM_ECDSA: 0x1041,
} as const;

/** The package, from where it is installed. @throws Error if it is not */
export async function loadPkcs11(from = 'pkcs11js'): Promise<Pkcs11> {
  const { default: exported } = (await import(from)) as { readonly default: { readonly PKCS11: new () => Pkcs11 } };
  return new exported.PKCS11();
}
