// One of mocha's own reporters, and a JSON report of the counts beside it where TEST_REPORT names a file.

import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

const { Dot, Spec } = Mocha.reporters;

/** Milliseconds. What a failed case left open would keep the process for ever; it ends by itself where all passed. */
const AFTER_FAILURE = 5_000;

/** Mocha's option `reporter-option: ["console=dot"]` chooses what is printed: `dot` or `spec` (default). */
export default class CountingReporter {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    const { console: printed } = (options.reporterOptions ?? {}) as { readonly console?: string };
    const reporter = printed === 'dot' ? new Dot(runner, options) : new Spec(runner, options);
    const file = process.env['TEST_REPORT'];
    runner.once('end', () => {
      const { passes, failures, pending } = reporter.stats;
      if (file !== undefined) writeFileSync(file, JSON.stringify({ passes, failures, pending }));
      if (failures > 0) setTimeout(() => process.exit(), AFTER_FAILURE).unref();
    });
  }
}
