import tseslint from 'typescript-eslint';

/**
 * rooms says who may import whom, downwards only, always through the package's index.
 * It is the house plan's import rule; a room that is not listed may import core alone.
 */
const rooms = {
  core: [],
  cli: ['core', 'steps', 'hosts', 'dify', 'agentrun', 'lab', 'state', 'evidence'],
  steps: ['core', 'rollout', 'probe', 'notify', 'report', 'pipelines'],
  dify: ['core', 'gateway'],
  faces: ['core', 'steps'],
  agentrun: ['core'],
  gateway: ['core'],
  probe: ['core'],
  evidence: ['core'],
  rollout: ['core'],
  state: ['core'],
  report: ['core'],
  notify: ['core'],
  pipelines: ['core'],
  hosts: ['core'],
  lab: ['core'],
};

const importRule = (room, allowed) => ({
  files: [`packages/${room}/src/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^@sluice/(?!(${allowed.join('|') || '-'})$)`,
            message: `packages/${room} may import ${allowed.length === 0 ? 'no other room' : allowed.join(', ')} only, and only through the index.`,
          },
          { regex: '^(\\.\\./)+(?!.*\\.ts$)', message: 'Relative imports name the .ts file.' },
          { regex: '\\.\\./\\.\\./[a-z]+/src/', message: 'Another room is imported as @sluice/<room>.' },
        ],
      },
    ],
  },
});

export default tseslint.config(
  { ignores: ['build/', 'dist/', 'node_modules/', 'resources/', '.tools/'] },
  ...tseslint.configs.strict,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      eqeqeq: 'error',
      // A name taken out of an object to leave the rest is how this house copies without a key.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true, varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
    },
  },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
  ...Object.entries(rooms).map(([room, allowed]) => importRule(room, allowed)),
);
