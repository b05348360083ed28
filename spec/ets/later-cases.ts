// The cases with a procedure that nothing here can go through yet, and what they need.

export interface LaterCase {
  readonly id: string;
  readonly title: string;
  /** What has to be there first. */
  readonly needs: string;
}

const OBJECTS = {
  5: 'the object Firmware Update (5)',
  7: 'the object Connectivity Statistics (7)',
} as const;
const BOOTSTRAP = 'bootstrap';

export const LATER_CASES: readonly LaterCase[] = (
  [
    ['int-0', 'Client Initiated Bootstrap', BOOTSTRAP],
    ['int-1', 'Client Initiated Bootstrap Full (PSK)', BOOTSTRAP],
    ['int-2', 'Client Initiated Bootstrap Full (Cert)', BOOTSTRAP],
    ['int-3', 'Simple Bootstrap from Smartcard', 'bootstrap from a smartcard'],
    ['int-4', 'Bootstrap Delete', BOOTSTRAP],
    ['int-5', 'Server Initiated Bootstrap', BOOTSTRAP],
    ['int-6', 'Bootstrap Sequence', BOOTSTRAP],
    ['int-7', 'Fallback to bootstrap', BOOTSTRAP],
    ['int-8', 'Bootstrap Read', BOOTSTRAP],
    ['int-9', 'Bootstrap and Configuration Consistency', BOOTSTRAP],
    ['int-10', 'Client Initiated Bootstrap Full (EST)', 'bootstrap and EST'],
    ['int-11', 'Client Initiated Bootstrap (OSCORE)', 'bootstrap and OSCORE'],
    ['int-12', 'Bootstrap-Pack-Request', BOOTSTRAP],
    ['int-19', 'Client Initiated Bootstrap over MQTT', 'bootstrap over MQTT'],
    ['int-109', 'Behavior in Queue Mode', 'queue mode that sleeps'],
    ['int-110', 'Initial Registration using Profile ID', 'profile ids'],
    ['int-111', 'Initial Registration using Profile ID and Object List', 'profile ids'],
    ['int-404', 'TCP Channel Security: Certificate Mode', 'bootstrap over CoAP over TLS'],
    ['int-405', 'OSCORE', 'OSCORE'],
    ['int-406', 'TCP Channel Security: Pre-shared Key Mode', 'bootstrap over CoAP over TLS'],
    ['int-751', 'Firmware Update: Querying the readable resources', OBJECTS[5]],
    ['int-755', 'Firmware Update: Setting the writable Resource Package', OBJECTS[5]],
    ['int-756', 'Firmware Update: Setting the writable Resource Package URI', OBJECTS[5]],
    ['int-760', 'Firmware Update: Basic Observation and Notification', OBJECTS[5]],
    ['int-770', 'Successful Firmware update via CoAP', OBJECTS[5]],
    ['int-771', 'Successful Firmware update via alternative mechanism', OBJECTS[5]],
    ['int-772', 'Firmware update: error case 1, firmware package not downloaded', OBJECTS[5]],
    ['int-773', 'Firmware update: error case 2, not enough storage', OBJECTS[5]],
    ['int-774', 'Firmware update: error case 3, out of memory', OBJECTS[5]],
    ['int-775', 'Firmware update: error case 4, connection lost', OBJECTS[5]],
    ['int-776', 'Firmware update: error case 5, integrity check failure', OBJECTS[5]],
    ['int-777', 'Firmware update: error case 6, unsupported package type', OBJECTS[5]],
    ['int-778', 'Firmware update: error case 7, invalid URI', OBJECTS[5]],
    ['int-779', 'Firmware update: error case 8, installation failure', OBJECTS[5]],
    ['int-901', 'Connectivity Statistics: Data collection', OBJECTS[7]],
    ['int-905', 'Connectivity Statistics: Setting the writable resources', OBJECTS[7]],
    ['int-910', 'Connectivity Statistics: Basic Observation', OBJECTS[7]],
    ['int-1250', 'APN configuration', 'the object APN Connection Profile (11)'],
    ['int-1350', 'Bearer Selection', 'the object Bearer Selection (13)'],
    ['int-2000', 'Event Log: Setting LogStart', 'a LogStart that is written: the object has it to be executed'],
  ] as const
).map(([id, title, needs]) => ({ id, title, needs }));
