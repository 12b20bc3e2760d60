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
  const { source, findings } = agentrunPlatform.parse({ path: project.config.source, folder, text: textOf(project.config.source) });

  test('has no finding', () => {
    expect(findings).toEqual([]);
  });

  test.each(Object.keys(project.config.environments))('%s can be overlaid', (name) => {
    const environment = project.config.environments[name];
    if (source === undefined || environment === undefined) throw new Error('the example cannot be read');
    expect(must(agentrunPlatform.overlay(source, environment, secretsOf({ ORDERS_TOKEN: 'token-of-orders' }))).title).toBe('order-agent');
  });
});
