// A component of Serverless Devs that deploys as the real one does (agentrun 1.0.12), without its upload: its archive
// counts as lying in OSS. How it behaves stands in config.json beside it.
'use strict';
const { spawn } = require('node:child_process');
const { existsSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const configOf = () => JSON.parse(readFileSync(join(__dirname, 'config.json'), 'utf8'));

const clientOf = async (inputs, { control, sdk, tea, mode }) => {
  const { default: Client, $OpenApiUtil } = require(sdk);
  const { AccessKeyID, AccessKeySecret, SecurityToken } = await inputs.getCredential();
  const client = new Client(new $OpenApiUtil.Config({ accessKeyId: AccessKeyID, accessKeySecret: mode === 'wrong key' ? 'wrong' : AccessKeySecret, securityToken: SecurityToken, endpoint: new URL(control).host, protocol: 'HTTP' }));
  const { RuntimeOptions } = require(tea);
  return async (action, method, pathname, { query, body } = {}) => {
    const params = new $OpenApiUtil.Params({ action, version: '2025-09-10', protocol: 'HTTP', pathname: `/2025-09-10${pathname}`, method, authType: 'AK', style: 'ROA', reqBodyType: 'json', bodyType: 'json' });
    const request = new $OpenApiUtil.OpenApiRequest({ headers: {}, query, body });
    return (await client.callApi(params, request, new RuntimeOptions({}))).body.data;
  };
};

const bodyOf = (agent) => ({
  agentRuntimeName: agent.name,
  cpu: agent.cpu,
  memory: agent.memory,
  port: agent.port,
  ...(agent.internetAccess === undefined ? {} : { networkConfiguration: { networkMode: 'PUBLIC' } }),
  environmentVariables: agent.environmentVariables,
  ...(agent.code === undefined
    ? { artifactType: 'Container', containerConfiguration: { image: agent.customContainerConfig.image, command: [] } }
    : {
        artifactType: 'Code',
        codeConfiguration: { language: agent.code.language, command: agent.code.command ?? [], checksum: agent.code.checksum, ossBucketName: agent.code.ossBucketName ?? 'temporary', ossObjectName: agent.code.ossObjectName ?? `1/${Date.now()}` },
      }),
});

exports.default = class {
  constructor({ logger }) {
    this.logger = logger;
    const help = { description: 'test', summary: 'test', option: [] };
    const sub = { help, subCommands: { publish: { help } } };
    this.commands = { deploy: { help }, build: { help }, version: sub, endpoint: sub };
    if (configOf().mode === 'no commands') this.deploy = undefined;
  }

  async version(inputs) {
    const call = await clientOf(inputs, configOf());
    const { items } = await call('ListAgentRuntimes', 'GET', '/agents/runtimes', { query: { agentRuntimeName: inputs.props.agent.name, searchMode: 'exact' } });
    return call('PublishRuntimeVersion', 'POST', `/agents/runtimes/${items[0].agentRuntimeId}/versions`, { body: { description: 'published' } });
  }

  /** endpoint sends what the real component was seen to send, in its order (docs/compatibility.md). */
  async endpoint(inputs) {
    const value = (name) => inputs.args[inputs.args.indexOf(name) + 1];
    const call = await clientOf(inputs, configOf());
    await call('ListWorkspaces', 'GET', '/workspaces', { query: { pageNumber: '1', pageSize: '100' } });
    const { items } = await call('ListAgentRuntimes', 'GET', '/agents/runtimes', { query: { agentRuntimeName: inputs.props.agent.name, searchMode: 'exact' } });
    const endpoints = `/agents/runtimes/${items[0].agentRuntimeId}/endpoints`;
    const found = (await call('ListAgentRuntimeEndpoints', 'GET', endpoints)).items.find(({ agentRuntimeEndpointName: name }) => name === value('--endpoint-name'));
    const body = { targetVersion: value('--target-version'), routingConfiguration: { versionWeights: [{ version: value('--canary-version'), weight: Number(value('--weight')) }] } };
    return call('UpdateAgentRuntimeEndpoint', 'PUT', `${endpoints}/${found.agentRuntimeEndpointId}`, { body });
  }

  async build(inputs) {
    const { mode } = configOf();
    if (mode === 'no docker') {
      this.logger.error('Docker is not installed, please refer to its page');
      throw new Error('Docker is not OK');
    }
    if (mode === 'builds nothing') return undefined;
    const folder = join(inputs.props.agent.code.src, 'python');
    if (!existsSync(folder)) mkdirSync(folder);
    writeFileSync(join(folder, 'package.py'), 'built = True\n');
    return undefined;
  }

  async deploy(inputs) {
    const config = configOf();
    const { agent } = inputs.props;
    writeFileSync(join(__dirname, 'seen.json'), JSON.stringify({ names: Object.keys(process.env), cwd: process.cwd(), template: readFileSync(inputs.yaml.path, 'utf8'), agent, argv: process.argv.slice(2) }));
    if (config.mode === 'hang') {
      const child = spawn(process.execPath, ['-e', "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], { stdio: 'inherit' });
      writeFileSync(config.pids, JSON.stringify([process.pid, child.pid]));
      await new Promise(() => setInterval(() => undefined, 1000));
    }
    if (config.mode === 'fail') throw new Error(`quota of ${agent.environmentVariables.TOKEN} 用尽`);
    if (config.mode === 'junk') console.log('{"half": \n>>> 进度 50%');
    const call = await clientOf(inputs, config);
    const { items } = await call('ListAgentRuntimes', 'GET', '/agents/runtimes', { query: { agentRuntimeName: agent.name, searchMode: 'exact' } });
    const body = bodyOf(config.mode === 'other content' ? { ...agent, memory: 4096 } : agent);
    const [found] = items;
    const { agentRuntimeId: id } = found === undefined ? await call('CreateAgentRuntime', 'POST', '/agents/runtimes', { body }) : await call('UpdateAgentRuntime', 'PUT', `/agents/runtimes/${found.agentRuntimeId}`, { body });
    if (config.mode === 'another endpoint') await call('CreateAgentRuntimeEndpoint', 'POST', `/agents/runtimes/${id}/endpoints`, { body: { agentRuntimeEndpointName: 'second', targetVersion: '1' } });
    return { agent: { id } };
  }
};
