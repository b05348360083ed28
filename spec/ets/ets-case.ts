// A case of OMA's interoperability test specification (ETS INT 1.2), and what it is to run one.

import type { LwM2mVersion } from '../../lib/client/index.ts';
import type { Configuration } from './device.ts';
import { expectRegister } from './expectations.ts';
import { Session } from './session.ts';
import type { TransportName } from './transport.ts';

export interface EtsCase {
  /** `int-201`. */
  readonly id: string;
  /** OMA's. */
  readonly title: string;
  /** Of appendix C. */
  readonly configuration: Configuration;
  /** Versions of the enabler that a client of it must pass the case in; the case begins registered with one of them. */
  readonly versions: readonly LwM2mVersion[];
  /** Whether it begins registered. Default true. */
  readonly registers?: boolean;
  /** What it is run over. Default UDP and TCP. */
  readonly transports?: readonly TransportName[];
  /** What is not there that the case cannot be run without; default: it can always be run. */
  readonly lacks?: () => string | undefined;
  /** The steps, each with its pass criteria; where there are several, each is for a device of its own. */
  readonly run: Steps | readonly Steps[];
}

/** @param others the device as its other servers see it, where the configuration has several */
type Steps = (session: Session, ...others: readonly Session[]) => Promise<void>;

export const SINCE_1_0: readonly LwM2mVersion[] = ['1.0', '1.1', '1.2'];
export const SINCE_1_1: readonly LwM2mVersion[] = ['1.1', '1.2'];

const EITHER: readonly TransportName[] = ['udp', 'tcp'];

const PATIENCE = 20_000; // milliseconds of the world's time, for a message that never comes

/** One of the ways to run a case. */
export interface Setting {
  readonly version: LwM2mVersion;
  readonly transport: TransportName;
}

/** LwM2M over TCP came with 1.1. */
export function settingsOf({ versions, transports = EITHER }: EtsCase): readonly Setting[] {
  const all = transports.flatMap((transport) => versions.map((version) => ({ version, transport })));
  return all.filter(({ version, transport }) => transport !== 'tcp' || version !== '1.0');
}

/** Registers a device of the case's configuration and goes through the steps. @throws what the first wrong step throws */
export async function runCase(ets: EtsCase, setting: Setting): Promise<void> {
  for (const steps of [ets.run].flat()) await runSteps(ets, setting, steps);
}

async function runSteps(ets: EtsCase, { version, transport }: Setting, steps: Steps): Promise<void> {
  const { configuration, registers = true } = ets;
  const sessions = await Session.open(configuration, version, transport);
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the client said nothing for ${PATIENCE / 1_000} s`)), PATIENCE);
  });
  const all = async (): Promise<void> => {
    for (const session of registers ? sessions : []) await expectRegister(session);
    await steps(...sessions);
  };
  try {
    await Promise.race([all(), silence, ...sessions.map(({ server }) => server.broken)]);
  } finally {
    clearTimeout(timer);
    for (const session of sessions) await session.close();
  }
}
