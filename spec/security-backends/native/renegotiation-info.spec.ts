// RFC 5746 §4.1 and §4.3: peers that do not know secure renegotiation are taken, unless they must know it.

import { ScriptedPeer } from './scripted-peer.ts';
import { KEY } from './pair.ts';
import { connectedClient, connectedServer, testClient, testServer } from './tested.ts';

const HANDSHAKE_FAILURE = 40;
const REQUIRED = { options: { renegotiationInfo: 'require' } } as const;

function ignorant(role: 'client' | 'server'): ScriptedPeer {
  const script = new ScriptedPeer(role, KEY);
  script.renegotiationInfo = false;
  return script;
}

describe('renegotiation_info', () => {
  it('may be absent by default, on either side', () => {
    connectedClient({ script: ignorant('server') }).assertTalks();
    connectedServer({ script: ignorant('client') }).assertTalks();
  });

  it('a peer that has it is taken where it is required', () => {
    connectedClient(REQUIRED).assertTalks();
    connectedServer(REQUIRED).assertTalks();
  });

  it('a client that must have it refuses a server without', () => {
    const tested = testClient({ ...REQUIRED, script: ignorant('server') });
    const hello = (): Uint8Array => tested.script.serverHello();
    tested.feed(hello());
    tested.timeOut();
    tested.script.messageSeq = 0;
    tested.feed(hello());
    tested.assertSentAlert(HANDSHAKE_FAILURE);
  });

  it('a server that must have it refuses a client without', () => {
    testServer({ ...REQUIRED, script: ignorant('client') }).assertSentAlert(HANDSHAKE_FAILURE);
  });
});
