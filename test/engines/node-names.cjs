/* Prints every name that this Node has in its modules and globals, two levels deep, one a line. */
const { builtinModules } = require('node:module');

const found = new Set();
const add = (value, depth) => {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return;
  for (const [key, { value: inner }] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
    found.add(key);
    if (depth > 0) add(inner, depth - 1);
  }
};
for (const name of builtinModules) if (!name.startsWith('_')) add(require(name), 2);
for (const name of Object.getOwnPropertyNames(globalThis)) {
  found.add(name);
  add(globalThis[name], 2);
}
process.stdout.write([...found].join('\n'));
