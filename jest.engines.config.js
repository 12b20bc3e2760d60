import { shared, workers } from './jest.config.js';

export default {
  ...shared,
  // Every engine has its own ports and home, and mostly waits.
  maxWorkers: workers,
  roots: ['<rootDir>/test'],
  testMatch: ['<rootDir>/test/engines/**/*.test.ts'],
  testTimeout: 120_000,
};
