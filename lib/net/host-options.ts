// Options for which Node (or a simulation) has no call of its own.

import { notSupported } from './errors.ts';
import type { SocketConfiguration } from './socket-configuration.ts';

/**
 * Hands the host's socket to the user's `configureHandle`.
 * @throws SocketError ENOTSUP naming the first option that needs `configureHandle` and has none
 */
export function applyHostOptions(configuration: SocketConfiguration, handle: unknown): void {
  if (configuration.configureHandle !== undefined) return configuration.configureHandle(handle);
  for (const option of ['interfaceName', 'dscp', 'priority', 'transparent'] as const) {
    const value = configuration[option];
    if (value === undefined || value === false) continue;
    throw notSupported(
      option,
      'the host has no call for it: give `configureHandle`, or bind an address of the interface',
    );
  }
}
