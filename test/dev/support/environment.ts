/** Commands that tests start get no setting of the person or the CI that runs the tests: only what programs need. */
const NEEDED = /^(PATH|HOME|TMPDIR|TEMP|TMP|SystemRoot|LANG|NODE_.*|VITEST.*|npm_config_.*)$/;

for (const name of Object.keys(process.env)) if (!NEEDED.test(name)) delete process.env[name];
