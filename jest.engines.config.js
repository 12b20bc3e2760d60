import { shared } from './jest.config.js';

export default {
  ...shared,
  testMatch: ['<rootDir>/test/engines/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/build/'],
  testTimeout: 120_000,
};
