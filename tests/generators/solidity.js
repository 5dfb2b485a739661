// Writes each query of Solidity's SMTChecker into a file of its own: `node solidity.js MODULE PROGRAMS OUT`, where MODULE is
// the folder of the npm package solc. A program names its engines if not both are meant: "// Engine: chc".
'use strict';
const fs = require('fs');
const path = require('path');

const [module_, programs, out] = process.argv.slice(2);
const solc = require(path.resolve(module_));
const mark = 'Requested query:';

for (const file of fs.readdirSync(programs).filter((name) => name.endsWith('.sol')).sort()) {
  const content = fs.readFileSync(path.join(programs, file), 'utf8');
  const named = content.match(/^\/\/ Engine: (\w+)$/m);
  for (const engine of named ? [named[1]] : ['bmc', 'chc']) {
    const input = {
      language: 'Solidity',
      sources: { [file]: { content } },
      settings: {
        modelChecker: {
          engine,
          printQuery: true,
          solvers: ['smtlib2'],
          targets: ['assert', 'overflow', 'underflow', 'divByZero', 'outOfBounds', 'popEmptyArray'],
        },
      },
    };
    const { errors = [] } = JSON.parse(solc.compile(JSON.stringify(input)));
    const failed = errors.filter((error) => error.severity === 'error');
    if (failed.length > 0) throw new Error(failed[0].formattedMessage);
    const queries = errors.map((error) => error.message).filter((message) => message.includes(mark));
    queries.forEach((message, number) => {
      const query = message.slice(message.indexOf(mark) + mark.length);
      fs.writeFileSync(path.join(out, `${path.parse(file).name}-${engine}-${number}.smt2`), query);
    });
  }
}
