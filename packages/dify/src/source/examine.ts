import { oneLine, placeText, readYaml, type ExaminePorts, type Finding, type Parsed, type Place, type SourceFile } from '@sluice/core';
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

/** mostAsked is the most code, in bytes, that is given to python3, whose trees take hundreds of bytes for each. */
const mostAsked = 1024 * 1024;

const answersOf = (text: string): readonly unknown[] => {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
};

const findingOf = (node: GraphNode, answer: Readonly<Record<string, unknown>>, place: Place): Finding => ({
  rule: 'dify/code-python',
  severity: 'error',
  message: `The Python of node "${node.title}" cannot be parsed, line ${textOf(answer['line'])}: ${oneLine(textOf(answer['reason']), 200)}.`,
  place,
});

/**
 * examine asks a python3 on the PATH about the Python of code nodes, and gives all findings again: what it refuses is an
 * error, and what it takes is not suspected any more. Without a python3, and where it cannot tell, the findings stay as they are.
 */
export const examine = async (file: SourceFile, parsed: Parsed, { commands, signal }: ExaminePorts): Promise<readonly Finding[]> => {
  const { source, findings } = parsed;
  const graph = source !== undefined && isDifySource(source) ? mappingOf(source.root['workflow'])['graph'] : undefined;
  const nodes = graphNodes(graph).filter(isPython);
  if (nodes.length === 0) return findings;
  const input = JSON.stringify(nodes.map((node) => textOf(node.data['code'])));
  if (Buffer.byteLength(input) > mostAsked) return findings;
  const asked = await commands.run({ argv: ['python3', '-I', '-S', '-c', asking], input, deadlineMs: patienceMs }, signal);
  const answers = asked.ok && asked.value.code === 0 ? answersOf(asked.value.stdout) : [];
  if (answers.length !== nodes.length) return findings;
  const document = readYaml(file.path, file.text);
  const judged = nodes.map((node, index) => {
    const place = document.ok ? document.value.placeOf([...dataPath(node), 'code']) : { file: file.path };
    return { node, place, answer: answers[index] };
  });
  const faults = judged.flatMap(({ node, answer, place }) => (isMapping(answer) && 'line' in answer ? [findingOf(node, answer, place)] : []));
  const decided = new Set(judged.filter(({ answer }) => answer === null || (isMapping(answer) && 'line' in answer)).map(({ place }) => placeText(place)));
  return [...findings.filter(({ rule, place }) => rule !== 'dify/code-python' || !decided.has(placeText(place))), ...faults];
};
