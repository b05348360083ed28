// For `node --import`, after tsx: from here on our modules are loaded instrumented.

import { register } from 'node:module';
import { install } from './coverage.ts';

install();
register('./hooks.ts', import.meta.url);
