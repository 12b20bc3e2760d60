import { oneLine, svgText, type StepResult } from '@sluice/core';
import { casesOf, type JunitCase } from './junit-cases.ts';

const longestName = 300;
const longestText = 2000;

/** mostLines is how many lines of detail one case has. */
const mostLines = 200;

const text = (value: string, longest = longestText): string => svgText(oneLine(value, longest));

const attributes = (given: Readonly<Record<string, string>>): string => Object.entries(given).map(([name, value]) => ` ${name}="${value}"`).join('');

const elements: Readonly<Record<JunitCase['outcome'], string>> = { passed: 'system-out', failure: 'failure', error: 'error', skipped: 'skipped' };

const bodyOf = ({ outcome, type = '', message, lines }: JunitCase): string => {
  const element = elements[outcome];
  const body = [message, ...lines.slice(0, mostLines)].map((line) => text(line)).join('\n');
  return `<${element}${outcome === 'passed' ? '' : attributes({ type: text(type, longestName), message: text(message) })}>${body}</${element}>`;
};

/** Suite is a step with its cases. */
interface Suite {
  readonly result: StepResult;
  readonly cases: readonly JunitCase[];
}

const countOf = (suites: readonly Suite[], outcome?: JunitCase['outcome']): string =>
  String(suites.flatMap(({ cases }) => cases).filter((one) => outcome === undefined || one.outcome === outcome).length);

const counts = (suites: readonly Suite[]): Readonly<Record<string, string>> => ({
  tests: countOf(suites),
  failures: countOf(suites, 'failure'),
  errors: countOf(suites, 'error'),
});

/** seconds are digits and a point, whatever a document that another job wrote says. */
const seconds = (value: number): string => Math.min(Math.max(value, 0), 1e9).toFixed(3);

/** classOf is what GitLab calls the suite, and Jenkins a class in a package. */
const classOf = ({ step, project, environment }: StepResult): string => ['sluice', project, environment, step].filter((part) => part !== undefined).join('.');

/** numbered gives names that came before a number: GitLab keeps only the first of those that are alike. */
const numbered = (): ((name: string) => string) => {
  const seen = new Map<string, number>();
  return (name) => {
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name} (${times})`;
  };
};

const suiteText = ({ result, cases }: Suite, unique: (name: string) => string): string => {
  const classname = text(classOf(result), longestName);
  const head = {
    name: text(result.environment === undefined ? result.step : `${result.step} (${result.environment})`, longestName),
    ...counts([{ result, cases }]),
    skipped: countOf([{ result, cases }], 'skipped'),
    time: seconds(result.durationMs / 1000),
    timestamp: text(result.startedAt.replace(/\.\d+Z$/, ''), longestName),
  };
  const outputs = Object.entries(result.outputs).filter(([, value]) => value !== '');
  const properties = outputs.map(([name, value]) => `<property${attributes({ name: text(name, longestName), value: text(value) })}/>`);
  return [
    `<testsuite${attributes(head)}>`,
    ...(properties.length === 0 ? [] : [`<properties>${properties.join('')}</properties>`]),
    ...cases.map((one) => {
      const name = unique(`${classname} ${text(one.name, longestName)}`).slice(classname.length + 1);
      return `<testcase${attributes({ classname, name, time: seconds(one.seconds) })}>${bodyOf(one)}</testcase>`;
    }),
    '</testsuite>',
  ].join('\n');
};

/**
 * junitXml is the results of a job as JUnit XML, a suite for each step, as GitLab (artifacts:reports:junit) and Jenkins (junit,
 * xUnit's junit-10.xsd) read it. A step that is composed of others has its verdict alone: the others have suites of their own.
 */
export const junitXml = (results: readonly StepResult[]): string => {
  const suites = results.map((result) => ({ result, cases: casesOf(result) }));
  const unique = numbered();
  const time = results.reduce((sum, { durationMs, steps }) => sum + (steps === undefined || steps.length === 0 ? durationMs : 0), 0) / 1000;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: 'sluice', ...counts(suites), time: seconds(time) })}>`,
    ...suites.map((suite) => suiteText(suite, unique)),
    '</testsuites>\n',
  ].join('\n');
};
