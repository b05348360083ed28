// Certificate handshakes of ours against a script, brought to the point where something may go wrong.

import assert from 'node:assert/strict';
import type { DtlsServerOptions } from '../../../security-backends/native/server.ts';
import { type Holder, answering, holder } from './certificate-pair.ts';
import { ECDSA_CCM_8, ScriptedEcdhePeer, ecdheExtensions } from './scripted-ecdhe-peer.ts';
import { MESSAGE, type ReadMessage, join } from './scripted-peer.ts';
import { type Tested, type Workbench, testClient, testServer } from './tested.ts';

export const SERVER = holder('ec-p256', 'server');
export const CLIENT_KEY = holder('ec-p256', 'client');
export const STRANGER = holder('ec-p256', 'other');

export interface CertificateBench {
  readonly tested: Tested;
  readonly script: ScriptedEcdhePeer;
}

/** A client of ours that trusts SERVER; it has said hello. */
export function certificateClient(more: Partial<Workbench> & { readonly own?: Holder } = {}): CertificateBench {
  const script = new ScriptedEcdhePeer('server');
  const options = { credential: 'certificate', ciphersuites: [ECDSA_CCM_8], ...more.options } as const;
  const tested = testClient({ script, answer: answering(more.own, SERVER, false), ...more, options });
  return { tested, script };
}

/** Client under test: ServerHello has come. */
export function clientAtCertificate(more: Parameters<typeof certificateClient>[0] = {}): CertificateBench {
  const bench = certificateClient(more);
  bench.tested.feed(bench.script.serverHello({ suite: ECDSA_CCM_8 }));
  return bench;
}

/** Client under test: SERVER's certificate has come too. */
export function clientAtKeyExchange(more: Parameters<typeof certificateClient>[0] = {}): CertificateBench {
  const bench = clientAtCertificate(more);
  bench.tested.feed(bench.script.sendCertificate(SERVER.chain));
  return bench;
}

/** Client under test: the signed ServerKeyExchange has come too. */
export function clientAtDone(more: Parameters<typeof certificateClient>[0] = {}): CertificateBench {
  const bench = clientAtKeyExchange(more);
  bench.tested.feed(bench.script.message(MESSAGE.serverKeyExchange, bench.script.signedKeyExchange(SERVER)));
  return bench;
}

/** Takes the client's last flight, checks its Finished, and answers it. @returns types of its messages */
export function finishWithClient({ tested, script }: CertificateBench): readonly number[] {
  const datagrams = tested.party.take();
  const messages = wholeMessages(datagrams, script);
  for (const message of messages) {
    script.take([message]);
    if (message.type !== MESSAGE.clientKeyExchange) continue;
    script.agree(message.body.slice(1));
    script.deriveKeys({ premaster: script.premaster });
  }
  const finished = script.messages(join(...datagrams)).find(({ type }) => type === MESSAGE.finished);
  assert.ok(finished, 'no Finished that authenticates');
  assert.deepEqual(finished.body, script.verifyData('client'));
  script.take([finished]);
  tested.feed(join(script.changeCipherSpec(), script.finished()));
  return [...messages.map(({ type }) => type), finished.type];
}

/** A server of ours that has answered the script's hello, which the script has read. */
export function certificateServer(
  more: { readonly server?: Partial<DtlsServerOptions>; readonly extensions?: Uint8Array } = {},
): CertificateBench {
  const script = new ScriptedEcdhePeer('client');
  const tested = testServer({
    script,
    suites: [ECDSA_CCM_8],
    answer: answering(SERVER, CLIENT_KEY, false),
    options: { credential: 'certificate' },
    server: more.server ?? {},
    extensions: more.extensions ?? ecdheExtensions(),
  });
  if (tested.over) return { tested, script };
  for (const message of wholeMessages(tested.party.take(), script)) {
    script.take([message]);
    if (message.type === MESSAGE.serverKeyExchange) script.agree(ScriptedEcdhePeer.pointOf(message.body));
  }
  return { tested, script };
}

/** The script's ClientKeyExchange; the script has keys from then on. */
export function keyExchange({ script }: CertificateBench, point = script.point): Uint8Array {
  const record = script.message(MESSAGE.clientKeyExchange, join([point.length], point));
  script.deriveKeys({ premaster: script.premaster });
  return record;
}

/** ChangeCipherSpec and Finished of the script. */
export function finish({ tested, script }: CertificateBench): void {
  tested.feed(join(script.changeCipherSpec(), script.finished()));
}

/** Puts together what our side fragmented, as far as it is in the clear. */
function wholeMessages(datagrams: readonly Uint8Array[], script: ScriptedEcdhePeer): readonly ReadMessage[] {
  const fragments = datagrams.flatMap((datagram) => script.messages(datagram)).filter(({ epoch }) => epoch === 0);
  const whole = new Map<number, ReadMessage>();
  for (const fragment of fragments) {
    const known = whole.get(fragment.messageSeq);
    const body = known === undefined ? fragment.body : join(known.body, fragment.body);
    whole.set(fragment.messageSeq, { ...fragment, body });
  }
  return [...whole.values()];
}
