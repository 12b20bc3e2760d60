import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { readConfig } from '@sluice/core';
import { agentrunPlatform } from '../src/index.ts';
import { must, secretsOf } from './fixture.ts';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../../examples/order-agent');
const textOf = (file: string): string => readFileSync(join(folder, file), 'utf8');

describe('examples/order-agent', () => {
  const project = must(readConfig('sluice.yml', textOf('sluice.yml'), folder));
  const { environments } = project.config;

  test.each(Object.entries(environments))('%s has no finding and can be overlaid', (_name, environment) => {
    const path = environment.agentrun?.source ?? project.config.source;
    const { source, findings } = agentrunPlatform.parse({ path, folder, text: textOf(path) });
    expect(findings).toEqual([]);
    if (source === undefined) throw new Error('the example cannot be read');
    expect(must(agentrunPlatform.overlay(source, environment, secretsOf({ ORDERS_TOKEN: 'token-of-orders' }))).title).toMatch(/^order-agent-(staging|prod)$/);
  });
});
