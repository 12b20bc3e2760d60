import { regions } from '../source/regions.ts';

const regionalServices = new Set(['agentrun', 'sts', 'metrics'].flatMap((service) => regions.map((region) => `${service}.${region}.aliyuncs.com`)));
const logService = new RegExp(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]\\.(?:${regions.join('|')})\\.log\\.aliyuncs\\.com$`);

/**
 * ownHost tells the hosts of AgentRun's control plane, STS, CloudMonitor and Log Service. Sluice works them out from the
 * region in s.yaml, which is a file of the repository; whatever it says, they stay with services that Alibaba Cloud alone
 * runs, and what they get are signatures (STS alone also the identity token), never a secret. So SLUICE_HOSTS need not
 * list them. The data plane is not among them: its host names an account, which may be anybody's, and gets the API key;
 * nor is any other host under aliyuncs.com, where customers have functions and buckets.
 */
export const ownHost = (host: string): boolean => regionalServices.has(host) || logService.test(host);
