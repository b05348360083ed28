// A network that treats some datagrams badly, as a list says, so that the story is the same each time.

import { type Duration, later, milliseconds } from '../../lib/index.ts';
import type { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { type DtlsRecord, recordsOf } from './anatomy.ts';

export const LATENCY = milliseconds(50);
const HELD_BACK = milliseconds(20);

export type Side = 'client' | 'server';
export type Fate = 'arrives' | 'lost' | 'late';

/** A datagram as it was sent. */
export interface Sighting {
  /** Milliseconds. */
  readonly sent: number;
  readonly by: Side;
  readonly records: readonly DtlsRecord[];
  readonly fate: Fate;
  /** When it arrives, in milliseconds. */
  readonly arrival: number;
}

/** Which datagrams of each side have another fate than to arrive; they are counted from 1. */
export type Forecast = Readonly<Record<Side, ReadonlyMap<number, Exclude<Fate, 'arrives'>>>>;

/** From now on the network behaves as forecast, and `seen` is told of each datagram. */
export function setWeather(
  network: SimulatedNetwork,
  serverAddress: string,
  forecast: Forecast,
  seen: (sighting: Sighting) => void,
): void {
  const { time } = network;
  const counts = { client: 0, server: 0 };
  network.onDatagram((from, to, datagram) => {
    const by = from.address === serverAddress ? 'server' : 'client';
    const fate = forecast[by].get(++counts[by]) ?? 'arrives';
    const delay: Duration = milliseconds(fate === 'late' ? LATENCY + HELD_BACK : LATENCY);
    seen({ sent: time.now(), by, records: recordsOf(datagram), fate, arrival: time.now() + delay });
    if (fate !== 'late') return fate === 'lost' ? 'drop' : 'pass';
    const held = datagram.slice();
    time.at(later(time.now(), HELD_BACK), () => network.inject(from, to, held));
    return 'drop';
  });
}
