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
  // Jest leaves one core free by default, which on two cores means one test file at a time.
  maxWorkers: '100%',
  // A test that hangs still ends; a busy machine is no failure.
  testTimeout: 60_000,
  ...shared,
  roots: ['<rootDir>/packages', '<rootDir>/test'],
  testMatch: ['<rootDir>/packages/*/test/**/*.test.ts', '<rootDir>/test/*.test.ts', '<rootDir>/test/contract/**/*.test.ts'],
};

export { shared };
