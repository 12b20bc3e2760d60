/** difyVersions are the releases of Dify that the lab can be; docs/compatibility.md says which of them were compared with a real server. */
export const difyVersions = ['0.15.3', '1.4.0', '1.9.1', '1.9.2', '1.11.2', '1.12.1', '1.13.3', '1.14.2', '1.16.0'] as const;
export type DifyVersion = (typeof difyVersions)[number];

/** Dialect is what differs between releases. */
export interface Dialect {
  readonly version: DifyVersion;
  /** dsl is the DSL version that the release writes and reads without asking. */
  readonly dsl: string;
  /** session: tokens in the answer's body, or cookies with a CSRF header. */
  readonly session: 'bearer' | 'cookies';
  readonly passwordInBase64: boolean;
  /** adminKeyPassesCsrf is false where the admin key is refused like a session without its CSRF header. */
  readonly adminKeyPassesCsrf: boolean;
  /** strangersNamed says that a login tells an unknown account from a wrong password. */
  readonly strangersNamed: boolean;
  /** fieldErrors are the words of the library that checks a request's fields. */
  readonly fieldErrors: 'flask-restful' | 'flask-restx' | 'pydantic';
  /** hasRoot says that GET /v1/ tells the release; since the change to flask-restx it is a 404. */
  readonly hasRoot: boolean;
  /** draftStatuses are the HTTP statuses of a draft that does not exist and of one that was written with a wrong hash. */
  readonly draftStatuses: { readonly missing: number; readonly notSync: number };
  /** versionsHaveNames says that versions have a name and a comment, can be changed and deleted. */
  readonly versionsHaveNames: boolean;
  readonly checksDependencies: boolean;
  /** tellsPluginVersions says that a missing plugin of the marketplace is named with its version. */
  readonly tellsPluginVersions: boolean;
  readonly exportsVersions: boolean;
  /** losesIcons are the icons that an export turns into a robot: images at first, then by a slip all others. */
  readonly losesIcons: 'images' | 'emojis' | 'none';
  readonly showsSecrets: boolean;
  /** masksWholeSecrets is false where a masked secret keeps its first six characters and its last two. */
  readonly masksWholeSecrets: boolean;
  /** describesVariables says that drafts and versions show the descriptions of environment variables. */
  readonly describesVariables: boolean;
  /** inUseBy is what the refusal to delete the live version calls the app. */
  readonly inUseBy: 'name' | 'id';
  readonly runsVersions: boolean;
  /** adminKeyRunsChats is false where the draft run of a chatflow by the admin key ends as an error of the server's own. */
  readonly adminKeyRunsChats: boolean;
  /** configurationsAreGuarded is false where every member may write a chat app's configuration. */
  readonly configurationsAreGuarded: boolean;
  /** firstTurn is `sys.dialogue_count` of a conversation's first message. */
  readonly firstTurn: 0 | 1;
  readonly restores: boolean;
  /** knowsNodeTypes says that an unknown node type is refused at import, sync and publication. */
  readonly knowsNodeTypes: boolean;
  /** streamsByWorker: a run that streams is handed to a worker, so that its refusal never reaches the stream, and the order of its end is another. */
  readonly streamsByWorker: boolean;
  /** speaksEarly: texts flow before the end of the node that they waited for, and workflow apps stream every output. */
  readonly speaksEarly: boolean;
  /** countsSteps is false where a run's steps are 0 and the error of a good run is ''. */
  readonly countsSteps: boolean;
  /** countsFailures says that a node that fails a run counts as an exception. */
  readonly countsFailures: boolean;
  readonly timesFirstToken: boolean;
  /** hasTriggers came with triggers: log lines say where a run came from, runs know their time, and graphs are looked at. */
  readonly hasTriggers: boolean;
  /** listsUsersRuns says that the console lists runs by where they came from; before, it shows runs of the draft alone. */
  readonly listsUsersRuns: boolean;
  readonly numbersRuns: boolean;
  /** numbersStreams says that streams tell a run's number, too. */
  readonly numbersStreams: boolean;
  /** failuresHaveOutputs is false where a failed run's outputs are null. */
  readonly failuresHaveOutputs: boolean;
  /** metadataIsWhole says that a message's metadata have all their fields even when there is nothing in them. */
  readonly metadataIsWhole: boolean;
  /** timeBeforeIds: the system's variables of a workflow run tell its time before the ids of workflow and run. */
  readonly timeBeforeIds: boolean;
  readonly endUserType: 'service_api' | 'service-api';
  /** missingRunIs404: a run that does not exist is a 404, and not an object of nulls. */
  readonly missingRunIs404: boolean;
  /** outputsAreObjects: a run's outputs are an object, and not its JSON as text. */
  readonly outputsAreObjects: boolean;
  /** nothingIsNull: what was never published is `null`, and not an object of nulls. */
  readonly nothingIsNull: boolean;
  readonly hasPipelines: boolean;
  /** datasetIds of knowledge nodes in files: as they are; encrypted alone, so that an import drops plain ones; or either. */
  readonly datasetIds: 'plain' | 'encrypted' | 'either';
  readonly hasMcpTools: boolean;
  /** pagesPlugins is false where the list of plugins comes whole. */
  readonly pagesPlugins: boolean;
  /** toolTypesAreFlask: pydantic came later to the list of tools than to the rest. */
  readonly toolTypesAreFlask: boolean;
  /** moderationOff is what an app without a moderation of its own shows. */
  readonly moderationOff: Readonly<Record<string, unknown>>;
  /** appInfo are the fields of GET /v1/info. */
  readonly appInfo: readonly string[];
  /** olderWaits: a file of any other minor version waits to be confirmed; later a newer one does, and an older one is taken with warnings. */
  readonly olderWaits: boolean;
  /** badVersionIsTaken: a version that is none makes the app all the same, and the answer says that it failed. */
  readonly badVersionIsTaken: boolean;
  readonly importTellsMode: boolean;
  /** importWarns says that the answer to an import carries warnings and permissions. */
  readonly importWarns: boolean;
}

/** dsls are the DSL versions by the first release that writes them, newest first. */
const dsls: readonly (readonly [string, string])[] = [
  ['1.16.0', '0.7.0'], ['1.13.0', '0.6.0'], ['1.10.0', '0.5.0'], ['1.8.0', '0.4.0'], ['1.7.0', '0.3.1'], ['1.4.0', '0.3.0'],
];

const numbers = (version: string): readonly number[] => version.split('.').map(Number);

const atLeast = (version: string, wanted: string): boolean => {
  const [one, other] = [numbers(version), numbers(wanted)];
  for (let index = 0; index < 3; index += 1) {
    const difference = (one[index] ?? 0) - (other[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
};

/** dialectOf gives the rules of a release; each bound is the first release whose source, or whose running server, has the rule. */
export const dialectOf = (version: DifyVersion): Dialect => {
  const since = (release: string): boolean => atLeast(version, release);
  return {
    version,
    dsl: dsls.find(([release]) => since(release))?.[1] ?? '0.1.5',
    session: since('1.9.2') ? 'cookies' : 'bearer',
    passwordInBase64: since('1.11.2'),
    adminKeyPassesCsrf: since('1.11.0'),
    strangersNamed: !since('1.8.0'),
    fieldErrors: since('1.11.0') ? 'pydantic' : since('1.8.0') ? 'flask-restx' : 'flask-restful',
    hasRoot: !since('1.8.0'),
    draftStatuses: since('1.12.0') ? { missing: 404, notSync: 409 } : { missing: 400, notSync: 400 },
    versionsHaveNames: since('1.1.0'),
    checksDependencies: since('1.0.0'),
    tellsPluginVersions: since('1.9.0'),
    exportsVersions: since('1.8.1'),
    losesIcons: since('1.13.1') ? 'none' : since('1.10.1') ? 'emojis' : 'images',
    showsSecrets: since('1.5.0'),
    masksWholeSecrets: since('1.8.1'),
    describesVariables: since('1.6.0'),
    inUseBy: since('1.4.1') ? 'id' : 'name',
    runsVersions: since('1.7.2'),
    adminKeyRunsChats: since('1.13.3') || !since('1.5.0'),
    configurationsAreGuarded: since('1.9.0'),
    firstTurn: since('1.9.0') ? 1 : 0,
    restores: since('1.13.3'),
    knowsNodeTypes: since('1.10.0') && !since('1.13.1'),
    streamsByWorker: since('1.13.0'),
    speaksEarly: since('1.9.0'),
    countsSteps: since('1.9.2') || !since('1.9.0'),
    countsFailures: since('1.9.0'),
    timesFirstToken: since('1.10.0'),
    hasTriggers: since('1.10.0'),
    listsUsersRuns: since('1.9.2'),
    numbersRuns: !since('1.5.0'),
    numbersStreams: !since('1.4.2'),
    failuresHaveOutputs: since('1.9.0'),
    metadataIsWhole: since('1.4.2'),
    timeBeforeIds: since('1.14.0'),
    endUserType: since('1.10.0') ? 'service-api' : 'service_api',
    missingRunIs404: since('1.13.1'),
    outputsAreObjects: since('1.13.0'),
    nothingIsNull: since('1.14.2'),
    hasPipelines: since('1.9.0'),
    datasetIds: since('1.9.0') ? 'either' : since('1.2.0') ? 'encrypted' : 'plain',
    hasMcpTools: since('1.6.0'),
    pagesPlugins: since('1.4.2'),
    toolTypesAreFlask: since('1.8.0') && !since('1.12.0'),
    moderationOff: { enabled: false, type: '', ...(since('1.13.0') ? { config: {} } : { configs: [] }) },
    appInfo: ['name', 'description', 'tags', ...(since('1.4.0') ? ['mode'] : []), ...(since('1.4.3') ? ['author_name'] : [])],
    olderWaits: !since('1.3.1'),
    badVersionIsTaken: !since('1.7.2'),
    importTellsMode: since('1.1.0'),
    importWarns: since('1.16.0'),
  };
};
