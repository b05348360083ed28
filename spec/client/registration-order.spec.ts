// The order of registrations (/1/x/13 to 15), and which resources of /0 and /1 are refused by name.

import assert from 'node:assert/strict';
import { type IncomingRequest, RESPONSE_CODES, serveCoap } from '../../lib/coap/index.ts';
import { LwM2mError, type ServerAccount, accountFromSecurity } from '../../lib/client/index.ts';
import { type Ranked, RegistrationOrder } from '../../lib/client/registration-order.ts';
import { SECURITY_MODES, Security, Server } from '../../lib/objects/index.ts';
import { VirtualTime, seconds, secureRandom, silentLog } from '../../lib/runtime/index.ts';
import { Scene } from './scripted-server.ts';
import { createDevice } from '../../lib/objects/index.ts';
import { utf8Encode } from '../../lib/bytes/index.ts';

function ordered(ranks: readonly (readonly [order: number | undefined, delay?: number, blocks?: boolean])[]) {
  const time = new VirtualTime();
  const begun: string[] = [];
  const all: readonly Ranked[] = ranks.map(([order, delay = 0, blocks = false], i) => ({
    rank: { order, delay: seconds(delay), blocks },
    begin: () => void begun.push(`${i}@${time.now() / 1_000}`),
  }));
  const order = new RegistrationOrder({ clock: time, timers: time, random: secureRandom, log: silentLog });
  order.begin(all);
  return { time, begun, order, outcome: (of: number, registered: boolean) => order.outcome(all[of]!, registered) };
}

describe('the order of registrations', () => {
  it('goes by /1/x/13; who has none waits for nobody', async () => {
    const { time, begun, outcome } = ordered([[2], [undefined], [1], [undefined], [9]]);
    assert.deepEqual(begun, ['2@0', '1@0', '3@0']);
    outcome(1, true);
    await time.advance(1_000);
    assert.equal(begun.length, 3, 'only the outcome of the one whose turn it is counts');
    outcome(2, true);
    await time.advance(1);
    outcome(0, false);
    await time.advance(1);
    assert.deepEqual(
      begun.slice(3).map((each) => each[0]),
      ['0', '4'],
    );
  });

  it('waits for /1/x/14 after the one before is through', async () => {
    const { time, begun, outcome } = ordered([
      [1, 50],
      [2, 60],
    ]);
    assert.deepEqual(begun, ['0@0'], 'the first has nobody before it');
    await time.advance(10_000);
    outcome(0, true);
    await time.advance(59_000);
    assert.equal(begun.length, 1);
    await time.advance(2_000);
    assert.deepEqual(begun, ['0@0', '1@70']);
  });

  it('ends at a failure that blocks (/1/x/15), and goes on should it be registered after all', async () => {
    const { time, begun, outcome } = ordered([[1, 0, true], [2]]);
    outcome(0, false);
    await time.advance(100_000);
    assert.equal(begun.length, 1);
    outcome(0, true);
    await time.advance(1);
    assert.equal(begun.length, 2);
  });

  it('ends when the client stops', async () => {
    const { time, begun, order, outcome } = ordered([[1], [2, 5]]);
    outcome(0, true);
    order.cancel();
    await time.advance(10_000);
    assert.equal(begun.length, 1);
    assert.equal(time.pending, 0);
  });

  it('holds for a whole client, at servers of which the first refuses it', async () => {
    const scene = new Scene();
    const asked: string[] = [];
    const listen = async (address: string, answer: (request: IncomingRequest) => number): Promise<void> => {
      const listener = scene.network.datagramSocket(address);
      await listener.bind(address, 5683);
      serveCoap(listener, scene.network.environment, (connection) => {
        connection.handler = (request) => {
          asked.push(`${address} ${request.method} ${Math.floor(scene.time.now() / 1_000)}`);
          return { code: answer(request) as 0x41, locationPath: ['rd', '1'] };
        };
      });
    };
    await listen('192.0.2.1', () => RESPONSE_CODES.forbidden);
    await listen('192.0.2.2', ({ method }) => (method === 'DELETE' ? RESPONSE_CODES.deleted : RESPONSE_CODES.created));
    const account = (uri: string, server: NonNullable<ServerAccount['server']>): ServerAccount => ({
      uri,
      server: { communicationRetryCount: 2, communicationRetryTimer: 10, ...server },
    });
    const client = scene.client({
      objects: [createDevice({ reboot() {} })],
      servers: [
        account('coap://192.0.2.2', { registrationPriorityOrder: 2, initialRegistrationDelayTimer: 30 }),
        account('coap://192.0.2.1', { registrationPriorityOrder: 1 }),
      ],
    });
    await client.start();
    await scene.time.advance(60_000);
    assert.deepEqual(asked, ['192.0.2.1 POST 0', '192.0.2.1 POST 10', '192.0.2.2 POST 40']);
    await scene.time.run(client.stop());
    assert.equal(scene.clientTimers, 0);
  });
});

describe('resources of /1 that ask for what this client has not', () => {
  const refused: readonly [resource: number, name: string, text: string][] = [
    [10, 'apnLink', '3:0'],
    [21, 'trigger', '1'],
    [22, 'preferredTransport', 'T'],
    [27, 'profileIdHashAlgorithm', '1'],
  ];

  it('are refused by name in an account, and with 4.00 when a server writes them', async () => {
    const scene = new Scene();
    await scene.listen();
    const client = scene.client({ objects: [createDevice({ reboot() {} })], versions: ['1.2'] });
    await client.start();
    await scene.time.advance(100);
    for (const [resource, name, text] of refused) {
      const request = { method: 'PUT', path: ['1', '0', String(resource)], contentFormat: 0 } as const;
      const { code, payload } = await scene.time.run(
        scene.connection.request({ ...request, payload: utf8Encode(text) }),
      );
      assert.equal(code, RESPONSE_CODES.badRequest, name);
      assert.match(new TextDecoder().decode(payload), new RegExp(name));
    }
    const harmless = { method: 'PUT', path: ['1', '0', '21'], contentFormat: 0, payload: utf8Encode('0') } as const;
    assert.equal((await scene.time.run(scene.connection.request(harmless))).code, RESPONSE_CODES.changed);
    const bootstrap = { method: 'POST', path: ['1', '0', '9'] } as const;
    assert.equal((await scene.time.run(scene.connection.request(bootstrap))).code, RESPONSE_CODES.notFound);
    const values: readonly [object, string][] = [
      [{ apnLink: { object: 11, instance: 0 } }, 'apnLink'],
      [{ bootstrapOnRegistrationFailure: true }, 'bootstrapOnRegistrationFailure'],
      [{ trigger: true }, 'trigger'],
      [{ preferredTransport: 'S' }, 'preferredTransport'],
      [{ alternateApnLinks: { 0: { object: 11, instance: 0 } } }, 'alternateApnLinks'],
      [{ profileIdHashAlgorithm: 1 }, 'profileIdHashAlgorithm'],
      [{ initialRegistrationDelayTimer: 2 ** 40 }, 'initialRegistrationDelayTimer'],
    ];
    for (const [server, name] of values) {
      const servers = [{ uri: 'coap://192.0.2.1', server }];
      assert.throws(() => scene.client({ objects: [], servers }), {
        code: 'ECONFIG',
        message: new RegExp(`server\\.${name}`),
      });
    }
    await scene.time.run(client.stop());
  });

  it('and every other one is taken', () => {
    const known = new Set([
      'shortServerId',
      'lifetime',
      'disable',
      'registrationUpdateTrigger',
      'bootstrapRequestTrigger',
    ]);
    const taken: NonNullable<ServerAccount['server']> = {
      defaultMinimumPeriod: 1,
      defaultMaximumPeriod: 60,
      disableTimeout: 60,
      notificationStoringWhenDisabledOrOffline: true,
      binding: 'U',
      apnLink: { object: 0xffff, instance: 0xffff },
      tlsDtlsAlertCode: 0,
      lastBootstrapped: new Date(0),
      registrationPriorityOrder: 1,
      initialRegistrationDelayTimer: 1,
      registrationFailureBlock: true,
      bootstrapOnRegistrationFailure: false,
      communicationRetryCount: 1,
      communicationRetryTimer: 1,
      communicationSequenceDelayTimer: 1,
      communicationSequenceRetryCount: 1,
      trigger: false,
      preferredTransport: 'U',
      muteSend: true,
      alternateApnLinks: {},
      supportedServerVersions: { 0: '1.1' },
      defaultNotificationMode: 1,
    };
    for (const name of Object.keys(taken)) known.add(name);
    const names = Object.keys(Server.definition.resources).filter((name) => name !== 'profileIdHashAlgorithm');
    assert.deepEqual([...known].sort(), names.sort(), 'all of them are spoken of here');
    const client = new Scene().client({ objects: [], servers: [{ uri: 'coap://192.0.2.1', server: taken }] });
    assert.equal(client.server.instance(0).defaultNotificationMode, 1);
  });
});

describe('resources of /0 that ask for what this client has not', () => {
  const instance = {
    serverUri: 'coap://192.0.2.1',
    securityMode: SECURITY_MODES.noSec,
    publicKeyOrIdentity: new Uint8Array(0),
    serverPublicKey: new Uint8Array(0),
    secretKey: new Uint8Array(0),
    shortServerId: 1,
  };
  const asks: Readonly<Record<string, unknown>> = {
    bootstrapServer: true,
    smsSecurityMode: 1,
    smsBindingKeyParameters: Uint8Array.of(1, 2, 3, 4, 5, 6),
    smsBindingSecretKeys: Uint8Array.of(1),
    serverSmsNumber: '+15551234',
    oscoreSecurityMode: { object: 21, instance: 0 },
    groupsToUseByClient: { 0: 23 },
    signatureAlgorithmsToUseByClient: { 0: 0x0403 },
    tls13FeaturesToUseByClient: 1,
    tlsExtensionsToUseByClient: 1,
    secondaryServerUri: { 0: 'coap://192.0.2.2' },
    mqttServer: { object: 24, instance: 0 },
    coseSecurity: { 0: { object: 23, instance: 0 } },
    rdsDestinationPort: 1,
    rdsSourcePort: 1,
    rdsApplicationId: 'x',
    securityMode: SECURITY_MODES.est,
  };
  /** What does something, and what only tells. */
  const works = new Set([
    'serverUri',
    'publicKeyOrIdentity',
    'serverPublicKey',
    'secretKey',
    'shortServerId',
    'clientHoldOffTime',
    'bootstrapServerAccountTimeout',
    'matchingType',
    'sni',
    'certificateUsage',
    'ciphersuites',
    'signatureAlgorithmsSupportedByServer',
    'signatureAlgorithmCertsSupportedByServer',
    'tlsExtensionsSupportedByServer',
  ]);

  for (const [name, value] of Object.entries(asks)) {
    it(`${name} is refused by its number`, () => {
      const { id } = Object.entries(Security.definition.resources).find(([each]) => each === name)![1];
      assert.throws(
        () => accountFromSecurity({ ...instance, [name]: value }),
        (error) => error instanceof LwM2mError && error.code === 'ECONFIG' && error.message.startsWith(`/0/x/${id} `),
      );
    });
  }

  it('are all of those that do not work; what asks for nothing is taken, as bootstrap servers write it', () => {
    const names = Object.keys(Security.definition.resources);
    assert.deepEqual(
      names.filter((name) => !works.has(name)),
      names.filter((name) => name in asks),
    );
    const nothing = {
      bootstrapServer: false,
      smsSecurityMode: 3,
      smsBindingKeyParameters: new Uint8Array(0),
      serverSmsNumber: '',
      oscoreSecurityMode: { object: 0xffff, instance: 0xffff },
      coseSecurity: {},
    };
    assert.equal(accountFromSecurity({ ...instance, ...nothing }).uri, 'coap://192.0.2.1');
  });
});
