// Where a server put our registration: what Register's answer must say to be of any use (LwM2M Core 1.2 §6.2.1).

import { DecodeError, utf8Encode } from '../bytes/index.ts';

const MOST_BYTES = 512; // ours: it must leave room for everything else in the one datagram of an Update

/** @throws DecodeError naming Location-Path if an Update could not be sent to it */
export function checkLocation(segments: readonly string[]): void {
  if (segments.length === 0) throw new DecodeError('Location-Path', 'the path of the registration', 'none');
  const dots = segments.find((segment) => segment === '.' || segment === '..'); // RFC 7252 §5.10.1
  if (dots !== undefined) throw new DecodeError('Location-Path', 'segments other than . and ..', dots);
  const bytes = segments.reduce((sum, segment) => sum + 1 + utf8Encode(segment).length, 0);
  if (bytes > MOST_BYTES) throw new DecodeError('Location-Path', `at most ${MOST_BYTES} bytes`, `${bytes}`);
}
