import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { createCommandRunner } from '../../core/src/command-runner.ts';
import { failed, type CommandRunner, type Finding } from '@sluice/core';
import { examine } from '../src/source/examine.ts';
import { parse } from '../src/source/parse.ts';
import { chatflow, edge, node, textOf } from './dsl.ts';

const file = (code: string, data: Record<string, unknown> = {}) => {
  const dsl = chatflow();
  dsl.workflow.graph?.nodes.push(node('code', 'code', { code_language: 'python3', code, variables: [{ variable: 'a', value_selector: ['start', 'city'] }], outputs: { out: { type: 'string', children: null } }, ...data }));
  dsl.workflow.graph?.edges.splice(1, 1, edge('llm', 'code'), edge('code', 'answer'));
  return { path: 'app.yml', folder: '', text: textOf(dsl) };
};
const named = (findings: readonly Finding[]): readonly string[] => findings.map(({ rule, severity }) => `${rule} ${severity}`);
const python = (code: string, data?: Record<string, unknown>): readonly string[] => named(parse(file(code, data)).findings);
const script = (code: string): readonly string[] => named(parse(file(code, { code_language: 'javascript' })).findings);

const good = 'def main(a):\n    return {"out": a}\n';

describe('Python', () => {
  test.each<[string, string, readonly string[]]>([
    ['plain', good, []],
    ['types, defaults, comments and texts with brackets', 'import json, re\n\ndef main(a: str = "(", b: dict[str, int] = {}) -> dict:  # )\n    """it\'s (fine"""\n    x = \'[\' + "\\"]" + f"{a}("\n    return {"out": x}\n', []],
    ['over several lines', 'def main(\n    a: str,\n    *,\n    b: int = 1,\n) -> dict:\n    return {"out": a}\n', []],
    ['any arguments', 'def main(**given):\n    return {"out": given["a"]}\n', []],
    ['main as a name', 'def run(a):\n    return {"out": a}\nmain = run\n', []],
    ['Chinese', 'def main(a):\n    结果 = "（" + a  # 注释（\n    return {"out": 结果}\n', []],
    ['no main', 'def mian(a):\n    return {"out": a}\n', ['dify/code-main-missing error']],
    ['main in a comment', '# def main(a):\ndef other(a):\n    return {}\n', ['dify/code-main-missing error']],
    ['main in a text', 'x = """\ndef main(a):\n    pass\n"""\n', ['dify/code-main-missing error']],
    ['main inside of a class', 'class A:\n    def main(self, a):\n        return {}\n', ['dify/code-main-missing error']],
    ['an argument that no variable gives', 'def main(b):\n    return {"out": b}\n', ['dify/code-arguments error', 'dify/code-arguments error']],
    ['a variable that main does not take', 'def main():\n    return {"out": 1}\n', ['dify/code-arguments error']],
    ['a bracket that is not closed', 'def main(a):\n    return {"out": (a}\n', ['dify/code-python warning']],
    ['a text that does not end', 'def main(a):\n    return {"out": "a}\n', ['dify/code-python warning']],
    ['a block with nothing in it', 'def main(a):\nreturn {"out": a}\n', ['dify/code-python warning']],
    ['an import that the sandbox has not', 'import pandas as pd, json\nfrom numpy.linalg import norm\ndef main(a):\n    import subprocess\n    return {"out": a}\n', ['dify/code-import warning']],
  ])('%s', (_name, code, wanted) => {
    expect(python(code)).toEqual(wanted);
  });

  test('names what is imported, and nothing of texts', () => {
    const [finding] = parse(file(`"""\nimport torch\n"""\nimport pandas\n${good}`)).findings;
    expect(finding?.message).toContain('imports pandas, which');
  });
});

describe('JavaScript', () => {
  test.each<[string, string, readonly string[]]>([
    ['a function', 'function main({a}) { return { out: a } }', []],
    ['an arrow', 'const main = ({a}) => ({ out: a })', []],
    ['an undeclared name', 'main = function ({a}) { return { out: a } }', []],
    ['no main', 'function mian({a}) { return { out: a } }', ['dify/code-main-missing error']],
    ['main in a text', 'const x = "function main() {}"', ['dify/code-main-missing error']],
    ['what is no JavaScript', 'function main({a}) { return { out: a }', ['dify/code-javascript error']],
    ['Python in it', good, ['dify/code-javascript error']],
    ['a package', 'const axios = require("axios"); const fs = require("node:fs"); function main() { return { out: "" } }', ['dify/code-import warning']],
    ['a program', 'const { exec } = require("child_process"); function main() { return { out: "" } }', ['dify/code-import warning']],
  ])('%s', (_name, code, wanted) => {
    expect(script(code)).toEqual(wanted);
  });

  test('is never run', () => {
    Object.assign(globalThis, { ran: 0 });
    expect(script('globalThis.ran = 1; function main() { return { out: "" } }')).toEqual([]);
    expect(Reflect.get(globalThis, 'ran')).toBe(0);
  });

  test('nested as deep as a file can be ends as a finding', () => {
    expect(script(`function main() { return ${'('.repeat(200_000)}1${')'.repeat(200_000)} }`)).toEqual(['dify/code-javascript error']);
  });
});

describe('both', () => {
  test('no outputs, and another language', () => {
    expect(python(good, { outputs: {} })).toEqual(['dify/code-outputs-missing error']);
    expect(python(good, { code_language: 'ruby' })).toEqual(['dify/code-language-unknown error']);
  });
});

const silent: CommandRunner = { run: () => Promise.resolve(failed({ category: 'input', reason: 'no python3' })) };
const here = createCommandRunner({ path: process.env['PATH'] ?? '', home: '/' });
const { signal } = new AbortController();
const examined = async (code: string, commands: CommandRunner): Promise<readonly string[]> => {
  const source = file(code);
  return named(await examine(source, parse(source), { commands, signal }));
};

const version = spawnSync('python3', ['-c', 'import sys; print(sys.version_info >= (3, 10))']).stdout;
const there = String(version).startsWith('True');

describe('python3 on the PATH', () => {
  test('without it, nothing changes', async () => {
    expect(await examined('def main(a):\n    return {"out": (a}\n', silent)).toEqual(['dify/code-python warning']);
  });

  (there ? test : test.skip)(there ? 'makes what it refuses an error, and takes back what it does not' : 'not shown: no python3 from 3.10 on', async () => {
    expect(await examined('def main(a):\n    return {"out": (a}\n', here)).toEqual(['dify/code-python error']);
    expect(await examined('def main(a):\n    retrun 1\n', here)).toEqual(['dify/code-python error']);
    expect(await examined('if True:\n  x = [1,\n# (\n2]\ndef main(a):\n    return {"out": a}\n', here)).toEqual([]);
    expect(await examined('import os\nos._exit(7)\ndef main(a):\n    return {"out": a}\n', here)).toEqual([]);
  });

  (there ? test : test.skip)(there ? 'keeps the suspicion where it cannot tell' : 'not shown: no python3 from 3.10 on', async () => {
    expect(await examined('def main(a):\n    return {"out": (a}\n# \ud800', here)).toEqual(['dify/code-python warning']);
  });

  test('is given no more than a megabyte', async () => {
    const asked: number[] = [];
    const counting: CommandRunner = { run: ({ input }) => (asked.push(input?.length ?? 0), Promise.resolve(failed({ category: 'timeout', reason: 'python3 did not end within 10s' }))) };
    expect(await examined(`def main(a):\n    return {"out": (a}\n#${'x'.repeat(1024 * 1024)}`, counting)).toEqual(['dify/code-python warning']);
    expect(asked).toEqual([]);
    expect(await examined(`def main(a):\n    return {"out": (a}\n#${'x'.repeat(1000)}`, counting)).toEqual(['dify/code-python warning']);
    expect(asked).toHaveLength(1);
  });

  test('an answer that is none changes nothing', async () => {
    const odd = (stdout: string, code = 0): CommandRunner => ({ run: () => Promise.resolve({ ok: true, value: { code, stdout, stderr: '' } }) });
    for (const commands of [odd('no json'), odd('[]'), odd('{}'), odd('[null]', 3)]) expect(await examined('def main(a):\n    return {"out": (a}\n', commands)).toEqual(['dify/code-python warning']);
  });
});
