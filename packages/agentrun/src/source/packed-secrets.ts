const samples = /\.(?:example|sample|template|dist|defaults?)$/;
const keyNames = /^id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?$/;
const certificates = /\.(?:pem|key|crt|ppk)$/i;
const stores = /\.(?:p12|pfx|jks|keystore)$/i;
// Packages bring keys of their own, for their tests; those are known to everybody.
const packages = /(?:^|\/)(?:node_modules|site-packages|dist-packages|python)\//;

const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----|^PuTTY-User-Key-File/m;
/** given is a value that stands in the file itself, and does not come from a variable. */
const given = (names: string): RegExp => new RegExp(`(?:^|[\\s:;])${names}\\s*[=:]\\s*["']?(?!\\$\\{|\\$[A-Z_])[^\\s"']`, 'mi');
const npmLogin = given('(?:_authToken|_auth|_password)');
const assignment = /^\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=\s*["']?[^\s"'#]/m;

/** Rule says when a file of this name holds what nobody should get with the code. */
interface Rule {
  readonly named: (name: string, path: string) => boolean;
  /** holds is what its text must have; any content counts when absent. */
  readonly holds?: RegExp;
}

const rules: readonly Rule[] = [
  { named: (name) => /^\.env(?:\.|$)/.test(name) && !samples.test(name), holds: assignment },
  { named: (name) => name === '.npmrc' || name === '.yarnrc' || name === '.yarnrc.yml', holds: npmLogin },
  { named: (name) => name === '.pypirc' || name === 'pip.conf', holds: /password\s*[:=]\s*\S|:\/\/[^\s/@]+:[^\s/@]+@/ },
  { named: (name) => name === '.netrc' || name === '_netrc' || name === '.git-credentials' },
  { named: (_name, path) => /(?:^|\/)\.aws\/credentials$|(?:^|\/)\.aliyun\/config\.json$|(?:^|\/)\.docker\/config\.json$/.test(path) },
  { named: (name) => keyNames.test(name) },
  { named: (name, path) => certificates.test(name) && !packages.test(path), holds: privateKey },
  { named: (name, path) => stores.test(name) && !packages.test(path) },
];

/** looksSecret says whether a file of an agent's code is one that people keep keys and passwords in, and holds some. */
export const looksSecret = (path: string, bytes: Uint8Array): boolean => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const found = rules.find(({ named }) => named(name, path));
  return found !== undefined && bytes.length > 0 && (found.holds === undefined || found.holds.test(Buffer.from(bytes).toString('utf8')));
};
