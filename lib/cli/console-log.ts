// The log as lines on standard error.

import { type Log, type LogMethod, formatDuration, milliseconds, silentLog, systemClock } from '../runtime/index.ts';
import type { CliIo } from './io.ts';
import { printable } from './printable.ts';

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Lines like `12.5 s warn message field=value`, of `level` and graver. */
export function consoleLog(level: LogLevel, io: CliIo): Log {
  return level === 'silent' ? silentLog : leveled(level, io, systemClock.now(), {});
}

function leveled(level: LogLevel, io: CliIo, start: number, bindings: Record<string, unknown>): Log {
  const method = (of: Exclude<LogLevel, 'silent'>): LogMethod => {
    if (LOG_LEVELS.indexOf(of) > LOG_LEVELS.indexOf(level)) return () => undefined;
    return (fields: object | string, message?: string) => {
      const [given, text] = typeof fields === 'string' ? [{}, fields] : [fields, message ?? ''];
      const since = formatDuration(milliseconds(systemClock.now() - start));
      const tail = Object.entries({ ...bindings, ...given }).map(([name, value]) => ` ${name}=${shown(value)}`);
      io.error(printable(`${since} ${of} ${text}${tail.join('')}`));
    };
  };
  return {
    trace: method('trace'),
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    child: (more) => leveled(level, io, start, { ...bindings, ...more }),
  };
}

function shown(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  if (typeof value === 'bigint') return String(value);
  return JSON.stringify(value) ?? String(value);
}
