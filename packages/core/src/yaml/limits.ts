/** YamlLimits bound what a document may cost to read. */
export interface YamlLimits {
  /** bytes is the largest text. */
  readonly bytes: number;
  /** tokens is the most signs, scalars, blanks and line ends: a list entry on a line of its own has four. */
  readonly tokens: number;
  /** aliases is the most `*alias` uses. */
  readonly aliases: number;
  /** values is the most keys, entries and scalars, each alias counted with everything that it stands for. */
  readonly values: number;
  /** depth is the deepest nesting. */
  readonly depth: number;
}

/** yamlLimits are far above any real configuration, app or pipeline, and far below what could stall a job. */
export const yamlLimits: YamlLimits = { bytes: 10 * 1024 * 1024, tokens: 1_000_000, aliases: 1000, values: 1_000_000, depth: 200 };
