// One of mocha's own reporters, and a JSON report of the counts beside it where TEST_REPORT names a file.

import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

const { Dot, Spec } = Mocha.reporters;

/** Mocha's option `reporter-option: ["console=dot"]` chooses what is printed: `dot` or `spec` (default). */
export default class CountingReporter {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    const { console: printed } = (options.reporterOptions ?? {}) as { readonly console?: string };
    const reporter = printed === 'dot' ? new Dot(runner, options) : new Spec(runner, options);
    const file = process.env['TEST_REPORT'];
    if (file === undefined) return;
    runner.once('end', () => {
      const { passes, failures, pending } = reporter.stats;
      writeFileSync(file, JSON.stringify({ passes, failures, pending }));
    });
  }
}
