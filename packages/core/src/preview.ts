import type { EnvironmentConfig } from './config/schema.ts';
import type { Outcome } from './outcome.ts';
import type { Source } from './source.ts';
import type { Target } from './target.ts';

/** PreviewMark tells a preview from what people make: it stands in the description of the app or runtime from its creation on. */
export interface PreviewMark {
  /** name is the preview's own, as in `pr-12`. */
  readonly name: string;
  /** project is the application's name in sluice.yml. */
  readonly project: string;
}

const begins = 'sluice preview';

/** previewDescription is the mark as a description, which the platform's limits leave room for (AgentRun: 256, Dify: 400 characters). */
export const previewDescription = ({ name, project }: PreviewMark): string =>
  `${begins} ${name} of ${project}. Made for a pull request; Sluice removes it with it.`;

/** readPreviewMark reads a mark out of a description; undefined for what Sluice did not make. */
export const readPreviewMark = (description: string): PreviewMark | undefined => {
  const [, name, project] = /^sluice preview ([a-z][a-z0-9-]*) of ([a-z0-9][a-z0-9-]*)\. /.exec(description) ?? [];
  return name === undefined || project === undefined ? undefined : { name, project };
};

/** previewNameFault says what is wrong with the name of a preview; undefined for one that every platform takes. */
export const previewNameFault = (name: string): string | undefined =>
  /^[a-z][a-z0-9-]{0,38}[a-z0-9]$/.test(name) ? undefined : 'must be 2 to 40 lower-case letters, digits and hyphens, with a letter first and no hyphen at the end';

/** Preview is one that the platform has. */
export interface Preview {
  readonly name: string;
  /** application is the id of the app or runtime. */
  readonly application: string;
  /** changedAt is when the platform saw it change last, milliseconds since 1970; absent where it does not tell. */
  readonly changedAt?: number;
}

/** OpenedPreview is a preview to deploy to; its application is made by the first deployment. */
export interface OpenedPreview {
  /** target is the app or runtime of this preview alone. */
  readonly target: Target;
  /** source is the one that was given, under the preview's name and with its mark. */
  readonly source: Source;
  /** show lets people reach a version, and gives the address that they open. */
  show(version: string): Promise<Outcome<string>>;
}

/** PreviewScope is whose previews are meant, and what they must keep away from. */
export interface PreviewScope {
  /** project is the application's name in sluice.yml. */
  readonly project: string;
  /** others are the environments of sluice.yml that are not for previews, by name. */
  readonly others: Readonly<Record<string, EnvironmentConfig>>;
}

/** Previews are those of one application in one environment. What carries no mark of theirs is neither changed nor removed. */
export interface Previews {
  /** twinsMs is how long after the creation of a preview a second one of its name, made at the same moment, can be told from it by age; absent where the platform has no two of one name. */
  readonly twinsMs?: number;
  /** list gives all that are there; two of one name after a race. */
  list(): Promise<Outcome<readonly Preview[]>>;
  /** open finds a preview, of two the older one, or prepares a new one; `conflict` where a person's app or runtime has its name. */
  open(name: string, source: Source): Promise<Outcome<OpenedPreview>>;
  /** remove takes a preview away with all that was made for it, and reads that back; one that is gone already is fine. */
  remove(preview: Preview): Promise<Outcome<void>>;
}
