import { randomBytes } from 'node:crypto';
import { answerJson, type LabHandler } from '../server.ts';
import type { Keys } from './keys.ts';

/** Instance is an ECS instance with a RAM role, as its metadata service shows it. */
export interface Instance {
  readonly role: string;
  readonly roleArn: string;
  readonly keys: Keys;
  now(): number;
}

const roles = '/latest/meta-data/ram/security-credentials/';
const longestToken = 21_600;

/** instanceHandler answers as the metadata service in its hardened mode: without a token of its own (IMDSv2) nothing is told. */
export const instanceHandler = ({ role, roleArn, keys, now }: Instance): LabHandler => {
  const tokens = new Map<string, number>();
  return ({ method, path, headers }, response) => {
    const text = (status: number, body: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain' });
      response.end(body);
    };
    if (path === '/latest/api/token') {
      const seconds = Number(headers['x-aliyun-ecs-metadata-token-ttl-seconds']);
      if (method !== 'PUT' || !(Number.isInteger(seconds) && seconds >= 1 && seconds <= longestToken)) {
        text(400, 'bad request');
        return;
      }
      const token = randomBytes(32).toString('base64url');
      tokens.set(token, now() + seconds * 1000);
      text(200, token);
      return;
    }
    if (method !== 'GET' || (tokens.get(headers['x-aliyun-ecs-metadata-token'] ?? '') ?? 0) <= now()) text(403, 'forbidden');
    else if (path === roles) text(200, role);
    else if (path === `${roles}${role}`) answerJson(response, 200, { ...keys.issue({ arn: `${roleArn.replace(':role/', ':assumed-role/')}/i-lab`, seconds: 21_600 }), LastUpdated: new Date(now()).toISOString(), Code: 'Success' });
    else text(404, 'not found');
  };
};
