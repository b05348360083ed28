// What Register and Update tell a server (LwM2M Core 1.2 §6.2.1, §6.2.2).

export type LwM2mVersion = '1.0' | '1.1' | '1.2';

/** What Register tells the server, and Update where it has changed (§6.2.1, §6.2.2). */
export interface RegistrationParameters {
  /** Seconds; 0 is infinite. */
  readonly lifetime: number;
  /** Transports the client has, such as `U`. */
  readonly binding: string;
  readonly queueMode: boolean;
  readonly smsNumber?: string | undefined;
  /** Objects and instances in CoRE link format. */
  readonly objects: string;
}

/** The same, before it is known which version will be registered with. */
export interface RegistrationWishes extends Omit<RegistrationParameters, 'objects'> {
  /** For every version, or by version. */
  readonly objects: string | Readonly<Partial<Record<LwM2mVersion, string>>>;
}

/** As that version tells it. */
export function wishesAs(version: LwM2mVersion, wishes: RegistrationWishes): RegistrationParameters {
  const { objects } = wishes;
  return { ...wishes, objects: typeof objects === 'string' ? objects : (objects[version] ?? '') };
}

export function hasChanges(changes: Partial<RegistrationParameters>): boolean {
  return Object.keys(changes).length > 0;
}
