import { hasGraph, type Mode } from '../dsl.ts';
import { mappingOf, type Mapping } from '../shape.ts';
import { checkCode } from './code.ts';
import { checkConditions } from './conditions.ts';
import { checkContainers } from './containers.ts';
import { checkBranches, checkEdges } from './edges.ts';
import { graphPath, readGraph } from './graph.ts';
import { checkIncomplete } from './incomplete.ts';
import { checkAllowed, checkModels } from './models.ts';
import { checkIds, checkStart, checkTypes } from './nodes.ts';
import { checkCredentials, checkPlugins } from './plugins.ts';
import { checkCycles, checkEnds, checkUnreachable } from './reach.ts';
import { checkReferences } from './reference.ts';
import type { Report } from './report.ts';

const checkGraph = (mode: Mode, workflow: Mapping, report: Report): void => {
  const graph = readGraph(mode, mappingOf(workflow['graph']));
  if (graph.nodes.length === 0) {
    report('nodes-missing', 'error', 'The graph has no nodes.', [...graphPath, 'nodes']);
    return;
  }
  for (const check of [checkIds, checkTypes, checkIncomplete, checkStart, checkEdges, checkContainers, checkCycles, checkEnds, checkUnreachable, checkBranches, checkConditions, checkModels, checkCode]) {
    check(graph, report);
  }
  checkReferences(graph, workflow, report);
};

/** checkApp reports what would fail at a run of an app that can be read, and what has no place in a file. */
export const checkApp = (mode: Mode, root: Mapping, models: readonly string[] | undefined, report: Report): void => {
  if (hasGraph(mode)) checkGraph(mode, mappingOf(root['workflow']), report);
  if (models !== undefined) checkAllowed(root, models, report);
  checkPlugins(root, report);
  checkCredentials(root, report);
};
