// The ten-line program of the README: a thermometer that registers over DTLS until Ctrl-C.

import {
  createClient,
  createDevice,
  createTemperature,
  fromHex,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  utf8Encode,
} from '../../lib/index.ts';

const [uri = 'coaps://127.0.0.1:5684', key = '000102030405060708090a0b0c0d0e0f'] = process.argv.slice(2);
const temperature = createTemperature({ 0: { sensorValue: 20, sensorUnits: 'Cel' } });
const device = createDevice({ manufacturer: 'Example', reboot: () => console.log('reboot asked for') });
const security = {
  mode: 'psk',
  identity: pskIdentityFromBuffer(utf8Encode('thermometer')),
  key: pskKeyFromBuffer(fromHex(key)),
} as const;
const client = createClient({ endpoint: 'thermometer', objects: [device, temperature], servers: [{ uri, security }] });
client.events.on('registered', ({ location }) => console.log(`registered at ${location}`));
await client.start();
const warming = setInterval(() => (temperature[0].sensorValue += 0.5), 200); // observers are notified
process.once('SIGINT', () => {
  clearInterval(warming);
  void client.stop().then(() => console.log('de-registered'));
});
