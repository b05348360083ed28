// A server and a device that talk by short messages: DTLS over modems, LwM2M over DTLS.

import {
  createClient,
  createTemperature,
  nodeBackends,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  systemEnvironment,
  utf8Encode,
} from '../../lib/index.ts';
import { Temperature } from '../../lib/objects/index.ts';
import { LwM2mServer } from '../../lib/server/index.ts';
import { Modem } from './modem.ts';
import { ModemSocket } from './modem-socket.ts';
import { TelephoneNetwork } from './telephone-network.ts';

const [SERVER, DEVICE] = ['+15550100', '+15550199'] as const;
const socket = { mtu: 256 }; // bytes that one message can carry
const environment = systemEnvironment();
const network = new TelephoneNetwork();
const backends = nodeBackends();
const key = pskKeyFromBuffer(crypto.getRandomValues(new Uint8Array(16)));

// The server: DTLS decorates a modem's socket, whose number and port are the ones to call.
const modem = new Modem(SERVER, network.subscribe(SERVER));
const listener = backends.dtls.createServer({ security: { mode: 'psk', lookup: () => key }, socket }, environment);
await listener.decorate(new ModemSocket(modem, socket, environment));
await listener.bind(SERVER, 5684);
const server = new LwM2mServer({ environment, definitions: [Temperature.definition] });
server.serve(listener);

// The device: its account says what carries the datagrams; all else is as over UDP.
const deviceModem = new Modem(DEVICE, network.subscribe(DEVICE));
const temperature = createTemperature({ 0: { sensorValue: 21.5, sensorUnits: 'Cel' } });
const device = createClient({
  endpoint: 'thermometer',
  objects: [temperature],
  backends,
  servers: [
    {
      uri: `coaps://${SERVER}:5684`,
      security: { mode: 'psk', identity: pskIdentityFromBuffer(utf8Encode('thermometer')), key },
      transport: (configuration, world) => new ModemSocket(deviceModem, configuration, world),
      tls: { socket },
    },
  ],
});
device.events.on('connected', ({ local, remote }) => console.log(`${local?.address} called ${remote?.address}`));
device.events.on('registered', ({ location }) => console.log(`registered at ${location}`));
const registered = server.events.next('registered');
await device.start();
const { device: thermometer } = await registered;

const { entries } = await thermometer.read('/3303/0/5700');
console.log(`read: ${Number(entries[0]?.value)} Cel`);
const notified = new Promise<void>((resolve, reject) => {
  const heard = (result: object): void => {
    if ('entries' in result) console.log('notified of a change');
    resolve();
  };
  thermometer.observe('/3303/0/5700', heard).then(() => (temperature[0].sensorValue = 22), reject);
});
await notified;
await device.stop();
console.log('de-registered');

server.close();
for (const each of [modem, deviceModem]) each.hangUp();
const { messages, longest } = network.traffic;
console.log(`${messages} messages, none longer than ${socket.mtu} bytes: ${longest <= socket.mtu}`);
