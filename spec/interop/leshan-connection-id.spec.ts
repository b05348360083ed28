// Leshan with connection ids: our port changes mid-session, and so does our process; one handshake and one registration.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type LwM2mClient,
  MemoryLiveSession,
  MemoryStorage,
  createClient,
  createDevice,
  fromHex,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  utf8Encode,
} from '../../lib/index.ts';
import type { LeshanEvents } from './peers/events.ts';
import { LeshanServer } from './peers/leshan.ts';
import { PcapFile } from './peers/pcap.ts';
import { needs } from './peers/peer.ts';
import { UdpRelay } from './peers/relay.ts';
import { connectionIds, dissect } from './peers/tshark.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const HANDSHAKE = 22;
const TLS12_CID = 25;

describe('a device with connection ids at Leshan', () => {
  needs('leshan', 'tshark');

  let leshan: LeshanServer;
  let relay: UdpRelay;
  let directory: string;
  let record: PcapFile;
  const keys: string[] = [];
  const clients: LwM2mClient[] = [];
  before(async function () {
    this.timeout(90_000);
    directory = mkdtempSync(join(tmpdir(), 'leshan-cid-'));
    leshan = await LeshanServer.start();
  });
  beforeEach(async () => {
    record = new PcapFile(join(directory, 'session.pcap'));
    relay = await UdpRelay.start({ target: leshan.coapsPort, record });
    keys.length = 0;
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.stop();
    relay.close();
  });
  after(async () => {
    await leshan?.stop();
    rmSync(directory, { recursive: true });
  });

  function device(endpoint: string, tls: object = {}, more: object = {}): LwM2mClient {
    const client = createClient({
      endpoint,
      objects: [createDevice({ manufacturer: 'lwm2m-client', reboot: () => undefined })],
      servers: [
        {
          uri: `coaps://127.0.0.1:${relay.port}`,
          security: {
            mode: 'psk',
            identity: pskIdentityFromBuffer(utf8Encode(endpoint)),
            key: pskKeyFromBuffer(fromHex(KEY)),
          },
          lifetime: 300,
          tls: { connectionId: true, dangerKeyLog: (line) => void keys.push(line), ...tls },
        },
      ],
      ...more,
    });
    clients.push(client);
    return client;
  }

  const finishedHandshakes = (): number =>
    relay.passed.filter(({ bytes, direction }) => direction === 'toServer' && isClientHelloWithCookie(bytes)).length;

  it('whose port changes is served on: no handshake, no registration anew; tshark shows the ids', async () => {
    const endpoint = 'behind-a-nat';
    await leshan.addPsk(endpoint, endpoint, KEY);
    const client = device(endpoint);
    await client.start();
    const { registrationId } = await leshan.events.waitFor('REGISTRATION', (data) => data.endpoint === endpoint);
    assert.equal((await leshan.read(endpoint, '/3/0/0')).success, true);
    const isOurs = ({ registration }: LeshanEvents['UPDATED']): boolean => registration.endpoint === endpoint;

    for (let moves = 1; moves <= 3; moves++) {
      relay.rebind();
      const updated = client.events.next('updated');
      client.update();
      await updated;
      // Behind its answer Leshan cancels what it asked the device at the old port: a read is not to be among that.
      await leshan.events.waitFor('UPDATED', () => leshan.events.heard('UPDATED', isOurs).length >= moves);
      assert.equal((await leshan.read(endpoint, '/3/0/0')).success, true, `read after ${moves} moves`);
    }
    assert.equal(finishedHandshakes(), 1);
    assert.equal((await leshan.registration(endpoint))?.registrationId, registrationId);
    const types = relay.passed.filter(({ direction }) => direction === 'toServer').map(({ bytes }) => bytes[0]);
    assert.ok(types.filter((type) => type === TLS12_CID).length >= 7);
    assert.ok(types.slice(types.indexOf(TLS12_CID)).every((type) => type === TLS12_CID));

    await client.stop();
    const keyLog = join(directory, 'keys.log');
    writeFileSync(keyLog, `${keys.join('\n')}\n`);
    const packets = await dissect(record.path, leshan.coapsPort, keyLog);
    const updates = packets.filter(({ coapCode, coapPath }) => coapCode === '2' && coapPath.startsWith('/rd/'));
    assert.equal(updates.length, 3, 'tshark opens the records that bear an id');
    assert.ok(!packets.some(({ info }) => /malformed/i.test(info)));
    const ids = (await connectionIds(record.path, leshan.coapsPort)).filter((id) => id !== '');
    assert.ok(ids.length >= 7);
    assert.equal(new Set(ids).size, 1);
    assert.match(ids[0]!, /^([0-9a-f]{2}:?){6}$/);
  });

  it('that leaves its session to the next client is served on: no handshake, and an Update at most', async () => {
    const endpoint = 'restarts';
    await leshan.addPsk(endpoint, endpoint, KEY);
    const liveSession = new MemoryLiveSession();
    const storage = new MemoryStorage();
    const first = device(endpoint, { liveSession }, { storage });
    const registered = first.events.next('registered');
    await first.start();
    await registered;
    const { registrationId } = await leshan.events.waitFor('REGISTRATION', (data) => data.endpoint === endpoint);
    await first.stop({ deregister: false });

    const second = device(endpoint, { liveSession }, { storage });
    await second.start();
    await leshan.events.waitFor('UPDATED', ({ registration }) => registration.registrationId === registrationId);
    assert.equal((await leshan.read(endpoint, '/3/0/0')).success, true);
    assert.equal(finishedHandshakes(), 1);
  });
});

/** One that ends a cookie exchange: its message_seq is 1. */
function isClientHelloWithCookie(datagram: Uint8Array): boolean {
  return datagram[0] === HANDSHAKE && datagram[13] === 1 && datagram[18] === 1;
}
