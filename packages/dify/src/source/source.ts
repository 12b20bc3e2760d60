import type { Source, SourceInput } from '@sluice/core';
import { digestOf, dslContent, type Content } from './content.ts';
import { isMode, type Mode } from './dsl.ts';
import { inputsOf } from './inputs.ts';
import { mappingOf, textOf, type Mapping } from './shape.ts';

const kinds: Readonly<Record<Mode, Source['kind']>> = {
  'advanced-chat': 'chat',
  chat: 'chat',
  'agent-chat': 'chat',
  workflow: 'workflow',
  completion: 'completion',
};

/** DifySource is an app's DSL, read and found to have a shape that can run. */
export class DifySource implements Source {
  readonly platform = 'dify';
  readonly path: string;
  readonly title: string;
  readonly kind: Source['kind'];
  readonly inputs: readonly SourceInput[];
  readonly mode: Mode;
  /** root is the whole file as plain values; it may hold secrets after an overlay and is never written to a log. */
  readonly root: Mapping;
  #content: Content | undefined;
  #digest: string | undefined;

  private constructor(path: string, mode: Mode, root: Mapping) {
    this.path = path;
    this.mode = mode;
    this.root = root;
    this.title = textOf(mappingOf(root['app'])['name']);
    this.kind = kinds[mode];
    this.inputs = inputsOf(mode, root);
  }

  /** of makes a source of a parsed file; undefined when the file names no mode that Sluice can release. */
  static of(path: string, root: Mapping): DifySource | undefined {
    const mode = mappingOf(root['app'])['mode'];
    return isMode(mode) ? new DifySource(path, mode, root) : undefined;
  }

  /** content and digest are worked out when somebody asks: validate does not. */
  get content(): Content {
    this.#content ??= dslContent(this.mode, this.root);
    return this.#content;
  }

  get digest(): string {
    this.#digest ??= digestOf(this.content);
    return this.#digest;
  }

  /** dslVersion is the file's version; a file without one is treated as 0.1.0, as the server does. */
  get dslVersion(): string {
    return textOf(this.root['version']) || '0.1.0';
  }

  /** with gives the same app with other values. */
  with(root: Mapping): DifySource {
    return new DifySource(this.path, this.mode, root);
  }
}

/** isDifySource narrows a source to this platform's own. */
export const isDifySource = (source: Source): source is DifySource => source instanceof DifySource;
