import { isFields } from '../reading.ts';
import { isFile, markdown, plainText } from '../python.ts';
import { fileAttribute } from './files.ts';

/** variablePattern is the engine's own (Dify 1.12.1, core/workflow/runtime/variable_pool.py): a hyphen in an id never matches. */
const variablePattern = /\{\{#([a-zA-Z0-9_]{1,50}(?:\.[a-zA-Z_][a-zA-Z0-9_]{0,29}){1,10})#\}\}/g;

/** TemplatePart is literal text or a reference to a variable. */
export type TemplatePart = { readonly literal: string } | { readonly selector: readonly string[] };

/** templateParts splits a template at its references. */
export const templateParts = (template: string): TemplatePart[] => {
  const parts: TemplatePart[] = [];
  let from = 0;
  for (const match of template.matchAll(variablePattern)) {
    if (match.index > from) parts.push({ literal: template.slice(from, match.index) });
    parts.push({ selector: (match[1] ?? '').split('.') });
    from = match.index + match[0].length;
  }
  if (from < template.length) parts.push({ literal: template.slice(from) });
  return parts;
};

/** Pool holds the variables of one run, by node and name. A name that is absent differs from one that is null. */
export class Pool {
  readonly #nodes: Map<string, Map<string, unknown>>;

  constructor(nodes: ReadonlyMap<string, ReadonlyMap<string, unknown>> = new Map()) {
    this.#nodes = new Map([...nodes].map(([id, names]) => [id, new Map(names)]));
  }

  /** get reads a variable or a member inside one; undefined when there is none. */
  get(selector: readonly string[]): unknown {
    const [node, name, ...inner] = selector;
    if (node === undefined || name === undefined) return undefined;
    let value = this.#nodes.get(node)?.get(name);
    for (const member of inner) {
      value = isFile(value) ? fileAttribute(value, member) : isFields(value) ? value[member] : undefined;
    }
    return value;
  }

  set(node: string, name: string, value: unknown): void {
    if (value === undefined) return;
    const names = this.#nodes.get(node) ?? new Map<string, unknown>();
    names.set(name, value);
    this.#nodes.set(node, names);
  }

  /** forget removes all variables of a node. */
  forget(node: string): void {
    this.#nodes.delete(node);
  }

  /** namesOf gives the variables of a node as an object. */
  namesOf(node: string): Record<string, unknown> {
    return Object.fromEntries(this.#nodes.get(node) ?? []);
  }

  copy(): Pool {
    return new Pool(this.#nodes);
  }

  /** render fills a template for prompts and conditions; like Dify's it leaves `node.name` where there is no variable. */
  render(template: string): string {
    return this.#fill(template, plainText);
  }

  /** renderMarkdown fills a template for answers. */
  renderMarkdown(template: string): string {
    return this.#fill(template, markdown);
  }

  #fill(template: string, write: (value: unknown) => string): string {
    return templateParts(template)
      .map((part) => {
        if ('literal' in part) return part.literal;
        const value = this.get(part.selector);
        return value === undefined ? part.selector.join('.') : write(value);
      })
      .join('');
  }
}
