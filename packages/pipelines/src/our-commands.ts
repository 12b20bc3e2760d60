/** anyCommand is the pattern of a command line that runs a step of ours. */
export const anyCommand = String.raw`dist\/index\.js["']?\s+(?:validate|deploy|health-check|publish-version|canary|rollback|release|sweep)\b`;

/** writingCommand is a command line of ours that changes what users get. */
export const writingCommand = /dist\/index\.js["']?\s+(?:deploy|publish-version|canary|rollback|release)\b/;
