// The words of Register and Update: query parameters and the object list (LwM2M Core 1.2 §6.2.1, Transport §6.4.3).

import { type CoreLink, encodeLinks, readFormatsOf } from '../formats/index.ts';
import type { LwM2mVersion, RegistrationParameters } from './registration-parameters.ts';
import type { ManagedObject } from '../model/index.ts';

/** Objects no server is told of: Security and OSCORE (LwM2M Core 1.2 §6.2.1), and COSE, which holds keys as well (int-235). */
export const HIDDEN_OBJECTS: ReadonlySet<number> = new Set([0, 21, 23]);

export interface LinkOptions {
  /** Of LwM2M: which formats are told of. Default 1.2. */
  readonly version?: LwM2mVersion | undefined;
  /** Tell `ver` also where it is 1.0. Default false. */
  readonly explicitVersions?: boolean | undefined;
}

/** Objects and instances as `</>;rt="oma.lwm2m";ct="…",</1/0>,</3303>;ver=1.1,</3303/0>`; an object without instances as itself. */
export function objectLinks(
  objects: Iterable<ManagedObject>,
  { version: enabler = '1.2', explicitVersions = false }: LinkOptions = {},
): string {
  const links: CoreLink[] = [rootLink(enabler)];
  const ascending = [...objects].sort((a, b) => a.definition.id - b.definition.id);
  for (const { definition, instanceIds } of ascending) {
    if (HIDDEN_OBJECTS.has(definition.id)) continue;
    const version = definition.version ?? '1.0';
    const target = `/${definition.id}`;
    if (version !== '1.0' || explicitVersions) links.push({ target, attributes: { ver: version } });
    else if (instanceIds.length === 0) links.push({ target, attributes: {} });
    for (const id of instanceIds) links.push({ target: `${target}/${id}`, attributes: {} });
  }
  return encodeLinks(links);
}

/** `rt` says that this root is LwM2M's, `ct` which formats we have beyond the mandatory ones. */
function rootLink(version: LwM2mVersion): CoreLink {
  const formats = readFormatsOf(version);
  return { target: '/', attributes: { rt: 'oma.lwm2m', ct: formats.join(' ') } };
}

/** Uri-Query of Register. In 1.0, queue mode is part of the binding (`UQ`); later it is a parameter of its own. */
export function registerQuery(
  endpoint: string | undefined,
  version: LwM2mVersion,
  parameters: RegistrationParameters,
): readonly string[] {
  const { lifetime, smsNumber } = parameters;
  return [
    ...(endpoint === undefined ? [] : [`ep=${endpoint}`]),
    `lt=${lifetime}`,
    `lwm2m=${version}`,
    ...bindingQuery(version, parameters),
    ...(smsNumber === undefined ? [] : [`sms=${smsNumber}`]),
  ];
}

/** Uri-Query of Update: only what changed. */
export function updateQuery(version: LwM2mVersion, changes: Partial<RegistrationParameters>): readonly string[] {
  const { lifetime, binding, queueMode = false, smsNumber } = changes;
  return [
    ...(lifetime === undefined ? [] : [`lt=${lifetime}`]),
    ...(binding === undefined ? [] : bindingQuery(version, { binding, queueMode })),
    ...(smsNumber === undefined ? [] : [`sms=${smsNumber}`]),
  ];
}

function bindingQuery(
  version: LwM2mVersion,
  { binding, queueMode }: { readonly binding: string; readonly queueMode: boolean },
): readonly string[] {
  if (version === '1.0') return [`b=${knownIn10(binding)}${queueMode ? 'Q' : ''}`];
  return queueMode ? [`b=${binding}`, 'Q'] : [`b=${binding}`];
}

/** 1.0 has letters for UDP and SMS alone (Core 1.0 §5.3.1.1); for what it has none, it is left at its default. */
function knownIn10(binding: string): string {
  const known = binding.replace(/[^US]/g, '');
  return known === '' ? 'U' : known;
}
