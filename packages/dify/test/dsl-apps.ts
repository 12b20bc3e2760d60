import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readYaml } from '@sluice/core';
import { mappingOf, type Mapping } from '../src/source/shape.ts';

/** fixtures is the folder of our own apps. */
export const fixtures = new URL('./fixtures/', import.meta.url).pathname;

/** Original is an app as it stands in its file. */
export interface Original {
  readonly name: string;
  readonly root: Mapping;
}

/** appsIn are the apps of a folder. */
export const appsIn = (folder: string): readonly Original[] =>
  readdirSync(folder).filter((name) => name.endsWith('.yml')).map((name) => {
    const read = readYaml(name, readFileSync(join(folder, name), 'utf8'));
    if (!read.ok) throw new Error(`${name}: ${read.problem.reason}`);
    return { name, root: mappingOf(read.value.value) };
  });
