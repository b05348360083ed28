// The states of a registration, as a table (LwM2M Core 1.2 §6.2).

/** Every state, and where each signal leads from it. What is not here cannot happen and is ignored. */
export const REGISTRATION_TRANSITIONS = {
  idle: { begin: 'connecting' },
  connecting: { fresh: 'registering', known: 'updating', retry: 'waiting', exhausted: 'failed', halt: 'idle' },
  registering: { accepted: 'registered', again: 'registering', retry: 'waiting', exhausted: 'failed', halt: 'idle' },
  registered: {
    due: 'updating',
    begin: 'connecting',
    retry: 'waiting',
    exhausted: 'failed',
    leave: 'deregistering',
    halt: 'idle',
  },
  updating: {
    accepted: 'registered',
    again: 'registering',
    begin: 'connecting',
    retry: 'waiting',
    exhausted: 'failed',
    leave: 'deregistering',
    halt: 'idle',
  },
  waiting: { begin: 'connecting', fresh: 'registering', known: 'updating', halt: 'idle' },
  deregistering: { halt: 'idle', retry: 'waiting' },
  failed: { begin: 'connecting', halt: 'idle' },
} as const;

export type RegistrationState = keyof typeof REGISTRATION_TRANSITIONS;
export type RegistrationSignal = {
  [S in RegistrationState]: keyof (typeof REGISTRATION_TRANSITIONS)[S];
}[RegistrationState];
