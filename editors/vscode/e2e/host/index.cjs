// Entry of extensionTestsPath: mocha inside the extension host.
const path = require("node:path");
const Mocha = require("mocha");

exports.run = () => new Promise((resolve, reject) => {
  const mocha = new Mocha({
    ui: "tdd", timeout: 20_000 * Number(process.env.E2E_PATIENCE ?? 1), color: false,
    reporter: class {
      constructor(runner) {
        runner.on("pass", (test) => console.log(`PASS ${test.fullTitle()} (${test.duration} ms)`));
        runner.on("fail", (test, error) => console.log(`FAIL ${test.fullTitle()}: ${error.stack ?? error}`));
      }
    },
  });
  if (process.env.E2E_ONLY) mocha.grep(new RegExp(process.env.E2E_ONLY));
  for (const file of ["review", "documents", "tasks", "server"]) mocha.addFile(path.join(__dirname, `${file}.cjs`));
  mocha.run((failures) => (failures ? reject(new Error(`${failures} failed`)) : resolve()));
});
