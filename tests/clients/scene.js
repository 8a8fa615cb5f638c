// What scenarios have in common: `node FILE PORT SCENARIO` plays one and exits with 1 if it fails.
//
// A line `stop` or `start` on standard output asks the test to do that to the server; the answer
// is a line on standard input.
'use strict';

const assert = require('node:assert/strict');
const readline = require('node:readline');

const port = Number(process.argv[2]);
const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(what) {
  console.log(what);
  await answers.next();
}

const pause = (milliseconds) => new Promise((resolve) => {
  setTimeout(resolve, milliseconds);
});

// Waits for what becomes true sooner or later; the bound only ends what would never end.
async function until(claim, check) {
  for (let tries = 0; tries < 2000; tries += 1) {
    if (await check()) return;
    await pause(10);
  }
  assert.fail(`never: ${claim}`);
}

function play(scenarios) {
  const fail = (error) => {
    console.error(error);
    process.exit(1);
  };
  process.on('unhandledRejection', fail);
  scenarios[process.argv[3]]().then(() => process.exit(0), fail);
}

module.exports = { port, ask, until, play };
