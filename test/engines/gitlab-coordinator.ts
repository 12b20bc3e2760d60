import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Job } from './gitlab-stage.ts';

/** Work is one job as a GitLab hands it to a runner. */
export interface Work {
  readonly name: string;
  readonly job: Job;
  /** repository is the address that the runner clones, and commit what it checks out of branch main. */
  readonly repository: string;
  readonly commit: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** Coordinator is the part of a GitLab that a runner talks to, for one job. */
export interface Coordinator {
  readonly origin: string;
  log(): string;
  /** state is what the runner said last: `running`, `success` or `failed`. */
  state(): string;
  /** uploads are the kinds of artifacts that came in. */
  uploads(): readonly string[];
  /** cancel lets the runner hear that a person has cancelled the job. */
  cancel(): void;
  close(): Promise<void>;
}

const body = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

const payload = ({ name, job, repository, commit, variables }: Work): object => {
  const declared = Object.entries(job.variables ?? {}).map(([key, value]) => [key, typeof value === 'string' ? value : value.value, true] as const);
  const settings = Object.entries(variables).map(([key, value]) => [key, value, false] as const);
  const { reports, paths, when } = job.artifacts;
  const report = (kind: string): object[] =>
    reports[kind] === undefined ? [] : [{ name: `${kind}.gz`, paths: [reports[kind]], when, artifact_type: kind, artifact_format: 'gzip' }];
  return {
    id: 1,
    token: 'job-token',
    allow_git_fetch: true,
    job_info: { name, stage: job.stage, project_id: 1, project_name: 'bot' },
    git_info: { repo_url: repository, ref: 'main', sha: commit, ref_type: 'branch', refspecs: ['+refs/heads/main:refs/remotes/origin/main'], depth: 0 },
    runner_info: { timeout: 600 },
    variables: [...declared, ...settings].map(([key, value, raw]) => ({ key, value, raw, public: true, masked: false, file: false })),
    steps: [{ name: 'script', script: [...job.before_script, ...job.script], timeout: 600, when: 'on_success', allow_failure: false }],
    artifacts: [{ name: 'results', paths, when, artifact_type: 'archive', artifact_format: 'zip' }, ...report('dotenv'), ...report('junit'), ...report('codequality')],
    ...{ image: {}, services: [], cache: [], credentials: [], dependencies: [], features: { trace_sections: true } },
  };
};

/** startCoordinator hands out one job (gitlab-org/gitlab-runner v16.0.0, network/gitlab.go and common/network.go). */
export const startCoordinator = async (work: Work): Promise<Coordinator> => {
  let handedOut = false;
  let log = '';
  let state = '';
  let status: 'running' | 'canceling' = 'running';
  const uploads: string[] = [];
  const server = createServer((request, response) => {
    const answer = (code: number, text = '{}', headers: Readonly<Record<string, string>> = {}): void =>
      void response.writeHead(code, { 'content-type': 'application/json', 'job-status': status, 'x-gitlab-trace-update-interval': '1', ...headers }).end(text);
    void body(request).then((received) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://gitlab.invalid');
      if (pathname === '/api/v4/jobs/request') {
        if (handedOut) return answer(204, '');
        handedOut = true;
        return answer(201, JSON.stringify(payload(work)));
      }
      if (pathname === '/api/v4/jobs/1/trace') {
        log += received.toString('utf8');
        return answer(202, '', { range: `0-${Buffer.byteLength(log)}` });
      }
      if (pathname === '/api/v4/jobs/1/artifacts') {
        uploads.push(searchParams.get('artifact_type') ?? 'archive');
        return answer(201);
      }
      if (request.method === 'PUT') state = String((JSON.parse(received.toString('utf8')) as { state?: string }).state);
      return answer(200);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log: () => log,
    state: () => state,
    uploads: () => uploads,
    cancel: () => void (status = 'canceling'),
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };
};
