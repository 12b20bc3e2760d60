import { randomBytes, randomUUID } from 'node:crypto';
import type { LabRequest } from '../server.ts';
import { json, jsonBody, misfits, refuse, Refused, type Answer } from './answer.ts';
import type { Dialect } from './dialect.ts';
import { text, type Fields } from './reading.ts';
import { issue, verify } from './tokens.ts';

/** roles are the roles of a workspace's members (Dify 1.12.1, models/account.py). */
export const roles = ['owner', 'admin', 'editor', 'normal', 'dataset_operator'] as const;
export type Role = (typeof roles)[number];

/** Member is one account, which is in the lab's only workspace. */
export interface Member {
  readonly id: string;
  readonly role: Role;
  readonly name: string;
  readonly email: string;
  readonly password: string;
  readonly createdAt: number;
}

/** Account is the owner of the workspace. */
export interface Account extends Member {
  readonly adminKey: string;
  readonly workspaceId: string;
}

const newMember = (role: Role): Member => ({
  id: randomUUID(),
  role,
  name: `Lab ${role.replaceAll('_', ' ').replace(/^./, (letter) => letter.toUpperCase())}`,
  email: `${role}-${randomBytes(6).toString('hex')}@lab.example`,
  password: `Pw1${randomBytes(15).toString('base64url')}`,
  createdAt: Date.now(),
});

/** newAccount makes the owner with random credentials. */
export const newAccount = (): Account => ({ ...newMember('owner'), adminKey: randomBytes(24).toString('base64url'), workspaceId: randomUUID() });

/** may says whether a role suffices: an editor's rights are those of admins and owners, too. */
export const may = (role: Role, least: 'everyone' | 'editor' | 'admin'): boolean =>
  least === 'everyone' || role === 'owner' || role === 'admin' || (least === 'editor' && role === 'editor');

/** Caller is who asks the console; by the admin key it is the owner. */
export interface Caller {
  readonly account: Member;
  readonly byAdminKey: boolean;
}

const hour = 60 * 60;
const wrongTries = 5;
const draftPath = /^\/console\/api\/apps\/[a-f0-9-]+\/workflows\/draft/;

const cookie = (request: LabRequest, name: string): string | undefined => {
  for (const pair of (request.headers['cookie'] ?? '').split(/;\s*/)) {
    const [key, ...value] = pair.split('=');
    if (key === name && value.join('=') !== '') return value.join('=');
  }
  return undefined;
};

const bearer = (request: LabRequest): string | undefined => /^bearer\s+(\S.*)$/i.exec(request.headers['authorization'] ?? '')?.[1];

/** base64Text decodes as Python's b64decode does: other characters are dropped, the padding must fit. */
const base64Text = (value: string): string | undefined => {
  const kept = value.replace(/[^A-Za-z0-9+/=]/g, '');
  if (kept.length % 4 !== 0 || /=[^=]/.test(kept) || /={3}/.test(kept)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(kept, 'base64'));
  } catch {
    // Bytes that are no UTF-8 are what a plain password looks like after decoding.
    return undefined;
  }
};

/** Sessions checks who asks: tokens or cookies with a CSRF token, by the release, or the admin key. */
export class Sessions {
  readonly account: Account;
  /** members are all accounts, the owner first. */
  readonly members: readonly Member[];
  readonly #dialect: Dialect;
  readonly #secret = randomBytes(32).toString('hex');
  /** refreshTokens are those that can be used once, with the account of each. */
  readonly #refreshTokens = new Map<string, Member>();
  readonly #failures = new Map<string, number>();

  constructor(account: Account, dialect: Dialect) {
    this.account = account;
    this.members = [account, ...roles.filter((role) => role !== 'owner').map(newMember)];
    this.#dialect = dialect;
  }

  /** login opens a session with the password (controllers/console/auth/login.py). */
  login(request: LabRequest): Answer | Refused {
    const body = this.#body(request);
    if (body instanceof Refused) return body;
    const email = text(body['email']);
    const missing = ['email', 'password'].filter((field) => typeof body[field] !== 'string');
    if (missing.length > 0) {
      return misfits('LoginPayload', missing.map((field) => ({ field, message: 'Field required', type: 'missing', input: body })));
    }
    const password = this.#dialect.passwordInBase64 ? base64Text(text(body['password'])) : text(body['password']);
    if (password === undefined) return refuse(401, 'authentication_failed', 'Invalid encrypted data');
    const failures = this.#failures.get(email.toLowerCase()) ?? 0;
    // Dify counts first and refuses when more than five are counted, so the sixth wrong try is still a 401.
    if (failures > wrongTries) {
      return refuse(429, 'email_code_login_limit', 'Too many incorrect password attempts. Please try again later.');
    }
    const member = this.members.find((one) => one.email === email.toLowerCase());
    if (member === undefined && this.#dialect.strangersNamed) return refuse(400, 'account_not_found', 'Account not found.');
    if (member === undefined || password !== member.password) {
      this.#failures.set(email.toLowerCase(), failures + 1);
      return this.#dialect.strangersNamed
        ? refuse(400, 'email_or_password_mismatch', 'The email or password is mismatched.')
        : refuse(401, 'authentication_failed', 'Invalid email or password.');
    }
    this.#failures.delete(email.toLowerCase());
    return this.#opened('login', member);
  }

  /** refresh changes the refresh token for a new one; the old one is gone. */
  refresh(request: LabRequest): Answer | Refused {
    if (this.#dialect.session === 'bearer') return this.#refreshByBody(request);
    const token = cookie(request, 'refresh_token');
    if (token === undefined) return json({ result: 'fail', message: 'No refresh token provided' }, 401);
    const member = this.#spent(token);
    return member === undefined ? json({ result: 'fail', message: 'Invalid refresh token' }, 401) : this.#opened('renewal', member);
  }

  #refreshByBody(request: LabRequest): Answer | Refused {
    const body = this.#body(request);
    if (body instanceof Refused) return body;
    const token = body['refresh_token'];
    if (typeof token !== 'string') return misfits('refresh', [{ field: 'refresh_token', message: 'Field required', type: 'missing', input: body }]);
    const member = this.#spent(token);
    return member === undefined ? json({ result: 'fail', data: 'Invalid refresh token' }, 401) : this.#opened('renewal', member);
  }

  /** spent takes a refresh token out of use and tells whose it was. */
  #spent(token: string): Member | undefined {
    const member = this.#refreshTokens.get(token);
    this.#refreshTokens.delete(token);
    return member;
  }

  /** body reads a body; flask-restx took one that is no JSON for an empty one. */
  #body(request: LabRequest): Fields | Refused {
    const body = jsonBody(request);
    return body instanceof Refused && this.#dialect.fieldErrors === 'flask-restx' ? {} : body;
  }

  logout(request: LabRequest): Answer | Refused {
    const caller = this.#identify(request);
    if (caller instanceof Refused) return caller;
    for (const [token, member] of this.#refreshTokens) if (member === caller.account) this.#refreshTokens.delete(token);
    const gone = (name: string): string => `${name}=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; SameSite=Lax`;
    return { status: 200, body: { result: 'success' }, headers: { 'set-cookie': ['access_token', 'refresh_token', 'csrf_token'].map(gone) } };
  }

  /** check tells who asks or refuses him: identity first, then the CSRF token, GET requests too. */
  check(request: LabRequest): Caller | Refused {
    const caller = this.#identify(request);
    if (caller instanceof Refused) return caller;
    if (this.#dialect.session === 'bearer' || draftPath.test(request.path)) return caller;
    if (this.#token(request) === this.account.adminKey && this.#dialect.adminKeyPassesCsrf) return caller;
    const wrong = refuse(401, 'unauthorized', 'CSRF token is missing or invalid.');
    const token = request.headers['x-csrf-token'];
    if (token === undefined || token !== cookie(request, 'csrf_token')) return wrong;
    const claims = verify(token, this.#secret);
    return typeof claims === 'string' || claims['sub'] !== caller.account.id ? wrong : caller;
  }

  /** checkAdmin lets only the admin key pass, with no workspace named. */
  checkAdmin(request: LabRequest): Refused | undefined {
    const token = this.#token(request);
    if (token === undefined) return refuse(401, 'unauthorized', 'Authorization header is missing.');
    return token === this.account.adminKey ? undefined : refuse(401, 'unauthorized', 'API key is invalid.');
  }

  #token(request: LabRequest): string | undefined {
    return (this.#dialect.session === 'cookies' ? cookie(request, 'access_token') : undefined) ?? bearer(request);
  }

  #identify(request: LabRequest): Caller | Refused {
    const token = this.#token(request);
    if (token === this.account.adminKey && request.headers['x-workspace-id'] === this.account.workspaceId) return { account: this.account, byAdminKey: true };
    if (token === undefined) return refuse(401, 'unauthorized', 'Invalid Authorization token.');
    const claims = verify(token, this.#secret);
    if (typeof claims === 'string') return refuse(401, 'unauthorized', claims);
    const member = this.members.find((one) => one.id === claims['user_id']);
    return member === undefined ? refuse(401, 'unauthorized', 'Invalid Authorization token.') : { account: member, byAdminKey: false };
  }

  #opened(by: 'login' | 'renewal', member: Member): Answer {
    const now = Math.floor(Date.now() / 1000);
    const access = issue({ user_id: member.id, exp: now + hour, iss: 'SELF_HOSTED', sub: 'Console API Passport' }, this.#secret);
    const csrf = issue({ exp: now + hour, sub: member.id }, this.#secret);
    const refresh = randomBytes(64).toString('hex');
    this.#refreshTokens.set(refresh, member);
    if (this.#dialect.session === 'bearer') return json({ result: 'success', data: { access_token: access, refresh_token: refresh } });
    const [accessCookie, refreshCookie, csrfCookie] = [
      `access_token=${access}; Max-Age=${hour}; HttpOnly; Path=/; SameSite=Lax`,
      `refresh_token=${refresh}; Max-Age=${30 * 24 * hour}; HttpOnly; Path=/; SameSite=Lax`,
      `csrf_token=${csrf}; Max-Age=${hour}; Path=/; SameSite=Lax`,
    ];
    return {
      status: 200,
      body: { result: 'success' },
      headers: {
        'set-cookie': by === 'login' ? [accessCookie, refreshCookie, csrfCookie] : [csrfCookie, accessCookie, refreshCookie],
      },
    };
  }
}
