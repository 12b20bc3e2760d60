import { shared } from './jest.config.js';

export default {
  ...shared,
  // Every engine has its own ports and home, and mostly waits.
  maxWorkers: '100%',
  testMatch: ['<rootDir>/test/engines/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/build/'],
  testTimeout: 120_000,
};
