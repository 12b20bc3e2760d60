import type { Config, EnvironmentConfig } from './config/schema.ts';
import type { Place } from './problem.ts';

/** Project is a parsed sluice.yml and the folder that its paths are relative to. */
export interface Project {
  readonly config: Config;
  /** folder is absolute. */
  readonly folder: string;
  /** file is sluice.yml's path as the user gave it. */
  readonly file: string;
  /** text is sluice.yml as it was read; absent where the project was made without one. */
  readonly text?: string;
  /** placeOf finds the line of a key path, as in `['environments', 'production']`. */
  placeOf(path: readonly (string | number)[]): Place;
}

/** SelectedEnvironment is the environment that this run works on. */
export interface SelectedEnvironment {
  readonly name: string;
  readonly config: EnvironmentConfig;
}
