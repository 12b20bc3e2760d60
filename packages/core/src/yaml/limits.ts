/** YamlLimits bound what a document may cost to read. */
export interface YamlLimits {
  /** bytes is the largest text. */
  readonly bytes: number;
  /** aliases is the most `*alias` uses. */
  readonly aliases: number;
  /** values is the most keys, entries and scalars, each alias counted with everything that it stands for. */
  readonly values: number;
  /** depth is the deepest nesting. */
  readonly depth: number;
}

/** yamlLimits are far above any real configuration, app or pipeline, and far below what could stall a job. */
export const yamlLimits: YamlLimits = { bytes: 10 * 1024 * 1024, aliases: 1000, values: 2_000_000, depth: 200 };
