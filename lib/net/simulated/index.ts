export { CALM, type Conditions } from './conditions.ts';
export { type Direction, SimulatedNetwork, type SimulatedNetworkOptions, type Tap, type Traffic } from './network.ts';
export { SimulatedStreamSocket } from './stream-socket.ts';
