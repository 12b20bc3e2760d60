import { isRefused, type Store } from './store.ts';

/** LabRuntimeOptions describe a runtime as people have made it before. */
export interface LabRuntimeOptions {
  readonly name: string;
  /** code stands for the agent's archive; it is kept and not run. */
  readonly code?: string;
  /** endpoint is the name of the users' endpoint, `Default` when absent. */
  readonly endpoint?: string;
  readonly environmentVariables?: Readonly<Record<string, string>>;
  /** logs is where the function below it writes its logs; nowhere when absent. */
  readonly logs?: { readonly project: string; readonly logstore: string };
}

/** ReadyRuntime names what was made: the runtime, its first version and the endpoint on it. */
export interface ReadyRuntime {
  readonly runtimeId: string;
  readonly version: string;
  readonly endpointId: string;
}

const runtimeBody = (options: LabRuntimeOptions): Readonly<Record<string, unknown>> => ({
  agentRuntimeName: options.name,
  artifactType: 'Code',
  codeConfiguration: {
    language: 'nodejs20',
    command: ['node', 'index.js'],
    zipFile: Buffer.from(`PK\u0003\u0004${options.code ?? `export const agent = '${options.name}';`}`).toString('base64'),
  },
  cpu: 1,
  memory: 2048,
  diskSize: 512,
  port: 9000,
  networkConfiguration: { networkMode: 'PUBLIC' },
  sessionIdleTimeoutSeconds: 600,
  sessionConcurrencyLimitPerInstance: 20,
  ...(options.logs === undefined ? {} : { logConfiguration: options.logs }),
  ...(options.environmentVariables === undefined ? {} : { environmentVariables: options.environmentVariables }),
});

/** createReady makes a runtime that is ready at once; a name that the platform refuses is thrown as an error. */
export const createReady = (store: Store, options: LabRuntimeOptions): ReadyRuntime => {
  const runtime = store.createRuntime(runtimeBody(options), true);
  if (isRefused(runtime)) throw new Error(runtime.message);
  const version = store.publish(runtime, { description: 'first version' });
  if (isRefused(version)) throw new Error(version.message);
  const endpoint = store.createEndpoint(
    runtime,
    { agentRuntimeEndpointName: options.endpoint ?? 'Default', targetVersion: version.number },
    true,
  );
  if (isRefused(endpoint)) throw new Error(endpoint.message);
  return { runtimeId: runtime.id, version: version.number, endpointId: endpoint.id };
};
