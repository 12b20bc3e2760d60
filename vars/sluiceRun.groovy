/**
 * Runs one step of Sluice on this agent and gives its outputs as a map. The steps, sluiceDeploy and so on, call this.
 *
 * Beside the inputs of the step, `inputs` may hold ids of credentials, and where they may be sent:
 *   login: id of a "username with password", as DIFY_EMAIL and DIFY_PASSWORD
 *   alibaba: id of a "username with password", as ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET
 *   git: id of a "username with password" for a record on a branch, given to git by the Git plugin
 *   secrets: ids of "secret text" by the variable that gets them, as in [SLACK_WEBHOOK: 'slack-webhook']
 *   hosts: SLUICE_HOSTS, where the credentials may be sent, as in 'dify.example.com'
 *
 * A step that passes or is skipped lets the build go on. One without enough evidence (exit code 6) makes it unstable and
 * throws nothing, so look at `outputs.status` before you build on it. Every other end throws, with the reason.
 *
 * The bundle comes from SLUICE_HOME if that is set, else from this library: it is written to the agent once, and its
 * SHA-256 is checked each time before anything of it runs. The agent needs Node 20 or newer on PATH.
 */
Map call(String step, Map inputs) {
  List environment = ["SLUICE_INPUTS=${inputsOf(inputs)}".toString()]
  if (inputs.hosts) {
    environment.add("SLUICE_HOSTS=${inputs.hosts}".toString())
  }
  List bound = []
  if (inputs.login) {
    bound.add(usernamePassword(credentialsId: inputs.login, usernameVariable: 'DIFY_EMAIL', passwordVariable: 'DIFY_PASSWORD'))
  }
  if (inputs.alibaba) {
    bound.add(usernamePassword(credentialsId: inputs.alibaba, usernameVariable: 'ALIBABA_CLOUD_ACCESS_KEY_ID', passwordVariable: 'ALIBABA_CLOUD_ACCESS_KEY_SECRET'))
  }
  if (inputs.git) {
    bound.add(gitUsernamePassword(credentialsId: inputs.git, gitToolName: 'Default'))
  }
  List secrets = pairsOf(inputs.secrets ?: [:])
  for (int i = 0; i < secrets.size(); i++) {
    bound.add(string(credentialsId: secrets[i][1], variable: secrets[i][0]))
  }
  Map outputs = [:]
  withEnv(environment) {
    withCredentials(bound) {
      outputs = runStep(step)
    }
  }
  return outputs
}

private Map runStep(String step) {
  String home = env.SLUICE_HOME ?: sluiceBundle()
  String said = "${pwd(tmp: true)}/sluice-outputs.txt"
  int code = 0
  // Emptied first: what an earlier step said must not pass for what this one says.
  writeFile(file: said, text: '', encoding: 'UTF-8')
  withEnv(["SLUICE_BUNDLE=${home}/dist/index.js".toString(), "SLUICE_OUTPUTS=${said}".toString()]) {
    if (isUnix()) {
      // A scripted pipeline sets no GIT_COMMIT. `exec`, so that an abort reaches Node itself.
      code = sh(label: "sluice ${step}", returnStatus: true, script: "export GIT_COMMIT=\"\${GIT_COMMIT:-\$(git rev-parse HEAD 2>/dev/null)}\"\nexec node \"\$SLUICE_BUNDLE\" ${step}")
    } else {
      code = bat(label: "sluice ${step}", returnStatus: true, script: "@node \"%SLUICE_BUNDLE%\" ${step}")
    }
  }
  Map outputs = outputsOf(readFile(file: said, encoding: 'UTF-8'))
  String reason = "Sluice ${step}: ${outputs.reason ?: 'it left no result; see its lines above'}"
  if (code == 6) {
    unstable(reason)
  } else if (code != 0) {
    error("${reason} (exit code ${code})")
  }
  return outputs
}

/** The inputs of the step as JSON. It has no dollar sign: Jenkins would put a variable's value there, a secret's as well. */
@NonCPS
private String inputsOf(Map inputs) {
  Map values = [:]
  inputs.each { name, value ->
    if (!(name.toString() in ['login', 'alibaba', 'git', 'secrets', 'hosts'])) {
      values[name.toString()] = value == null ? '' : value.toString()
    }
  }
  return groovy.json.JsonOutput.toJson(values).replace('$', '\\u0024')
}

/** A list of pairs can be walked with steps between; a map's own entries cannot be kept by a pipeline that sleeps. */
@NonCPS
private List pairsOf(Map map) {
  List pairs = []
  map.each { key, value -> pairs.add([key.toString(), value.toString()]) }
  return pairs
}

/** One output a line, as `version=12`. A value has no line break. */
@NonCPS
private Map outputsOf(String text) {
  Map outputs = [:]
  text.split('\n').each { line ->
    int at = line.indexOf('=')
    if (at > 0) {
      outputs[line.substring(0, at)] = line.substring(at + 1)
    }
  }
  return outputs
}
