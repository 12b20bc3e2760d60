import { oneLine, readYaml, type ExaminePorts, type Finding, type Parsed, type SourceFile } from '@sluice/core';
import { graphNodes, type GraphNode } from './dsl.ts';
import { isPython } from './rules/code.ts';
import { dataPath } from './rules/graph.ts';
import { isMapping, mappingOf, textOf } from './shape.ts';
import { isDifySource } from './source.ts';

/**
 * asking is the program that python3 runs: it parses texts, runs none of them, and prints for each its fault or null. The
 * sandbox has Python 3.10 or newer, so an older one has no say.
 */
const asking = `
import ast, json, sys
def fault(code):
    try:
        ast.parse(code)
    except SyntaxError as error:
        return {"line": error.lineno or 1, "reason": str(error.msg)}
    except Exception:
        return {}
    return None
if sys.version_info < (3, 10):
    sys.exit(3)
print(json.dumps([fault(code) for code in json.load(sys.stdin)]))
`;

const patienceMs = 10_000;

const answersOf = (text: string): readonly unknown[] => {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
};

const findingOf = (file: SourceFile, node: GraphNode, answer: Readonly<Record<string, unknown>>): Finding => {
  const document = readYaml(file.path, file.text);
  return {
    rule: 'dify/code-python',
    severity: 'error',
    message: `The Python of node "${node.title}" cannot be parsed, line ${textOf(answer['line'])}: ${oneLine(textOf(answer['reason']), 200)}.`,
    place: document.ok ? document.value.placeOf([...dataPath(node), 'code']) : { file: file.path },
  };
};

/**
 * examine asks a python3 on the PATH about the Python of code nodes, and gives all findings again: what it refuses is an
 * error, and what it takes is not suspected any more. Without a python3 the findings stay as they are.
 */
export const examine = async (file: SourceFile, parsed: Parsed, { commands, signal }: ExaminePorts): Promise<readonly Finding[]> => {
  const { source, findings } = parsed;
  const graph = source !== undefined && isDifySource(source) ? mappingOf(source.root['workflow'])['graph'] : undefined;
  const nodes = graphNodes(graph).filter(isPython);
  if (nodes.length === 0) return findings;
  const input = JSON.stringify(nodes.map((node) => textOf(node.data['code'])));
  const asked = await commands.run({ argv: ['python3', '-I', '-S', '-c', asking], input, deadlineMs: patienceMs }, signal);
  const answers = asked.ok && asked.value.code === 0 ? answersOf(asked.value.stdout) : [];
  if (answers.length !== nodes.length) return findings;
  const faults = nodes.flatMap((node, index) => {
    const answer = answers[index];
    return isMapping(answer) && 'line' in answer ? [findingOf(file, node, answer)] : [];
  });
  return [...findings.filter(({ rule }) => rule !== 'dify/code-python'), ...faults];
};
