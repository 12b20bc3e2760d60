// Applies a patch that another job built to the files that are generated, and to nothing else: that job ran the packages
// of the lock file, this one has the right to push.
import { execFileSync } from 'node:child_process';

// Left out by hand: vars/sluiceBundle.groovy, vars/sluiceRun.groovy, resources/sluice/unpack.cjs and actions/run.sh.
const generated = [
  /^dist\/[^/]+$/,
  /^resources\/sluice\/bundle\.(json|sha256)$/,
  /^(actions\/[a-z-]+\/)?action\.yml$/,
  /^templates\/[a-z-]+\.yml$/,
  /^gitlab\/sluice\.gitlab-ci\.yml$/,
  /^vars\/sluice(?!(Bundle|Run)\.)[A-Za-z]+\.(groovy|txt)$/,
  /^docs\/(steps|ram-policies)\.md$/,
  /^schema\/sluice\.schema\.json$/,
  /^README\.md$/,
];

const git = (...argv) => execFileSync('git', argv, { encoding: 'utf8' });
const refuse = (reason) => {
  console.error(`refused: ${reason}`);
  process.exit(1);
};

const [patch = refuse('name the patch')] = process.argv.slice(2);
git('apply', '--index', patch);
// --raw -z gives ":<old mode> <new mode> <old> <new> <letter>" and the path in turn; --no-renames makes it one path each.
const fields = git('diff', '--cached', '--raw', '--no-renames', '-z', 'HEAD').split('\0').slice(0, -1);
const changes = fields.flatMap((path, index) => (index % 2 === 0 ? [] : [{ path, mode: fields[index - 1].split(' ')[1] }]));
const foreign = changes.filter(({ path, mode }) => !generated.some((pattern) => pattern.test(path)) || !['100644', '000000'].includes(mode));
if (foreign.length > 0) {
  git('reset', '--quiet', '--hard', 'HEAD');
  refuse(`these are not generated files: ${foreign.map(({ path, mode }) => `${path} (${mode})`).join(', ')}`);
}
console.log(`${changes.length} generated files changed`);
