// Logging as pino does it, so that a pino logger fits as it is. Silent unless the application hands one in.

/** Fields first, then the message. Implementations must not keep the fields: they may be reused. */
export interface LogMethod {
  (fields: object, message?: string): void;
  (message: string): void;
}

/** What a pino logger offers and this project uses. Callers never pass a secret. */
export interface Log {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  child(bindings: Record<string, unknown>): Log;
}

const nothing: LogMethod = () => undefined;

export const silentLog: Log = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLog,
};
