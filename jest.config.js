import { availableParallelism } from 'node:os';

// Three for two cores: tests wait for much of their time, and Jest takes no share above 100 %.
const workers = Math.ceil(availableParallelism() * 1.5);

const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' }, swcrc: false },
    ],
  },
};

export default {
  maxWorkers: workers,
  // A test that hangs still ends; a busy machine is no failure.
  testTimeout: 60_000,
  ...shared,
  roots: ['<rootDir>/packages', '<rootDir>/test'],
  testMatch: ['<rootDir>/packages/*/test/**/*.test.ts', '<rootDir>/test/*.test.ts', '<rootDir>/test/contract/**/*.test.ts'],
};

export { shared, workers };
