/**
 * Runs one step of Sluice on this agent and gives its outputs as a map. The steps, sluiceDeploy and so on, call this.
 *
 * Beside the inputs of the step, `inputs` may hold:
 *   login: id of a "username with password" credential, as DIFY_EMAIL and DIFY_PASSWORD
 *   secrets: ids of "secret text" credentials by the variable that gets them, as in [SLACK_WEBHOOK: 'slack-webhook']
 *   hosts: SLUICE_HOSTS, where the credentials may be sent, as in 'dify.example.com'
 *
 * A step that passes or is skipped lets the build go on. One without enough evidence (exit code 6) makes it unstable and
 * throws nothing, so look at `outputs.status` before you build on it. Every other end throws, with the reason.
 *
 * The bundle comes from SLUICE_HOME if that is set, else from this library: it is written to the agent once, and its
 * SHA-256 is checked before anything of it runs. The agent needs Node 20 or newer on PATH.
 */
Map call(String step, Map inputs) {
  Map values = [:]
  for (entry in mapToList(inputs)) {
    if (!(entry[0] in ['login', 'secrets', 'hosts'])) {
      values[entry[0]] = entry[1] == null ? '' : entry[1].toString()
    }
  }
  List bound = []
  if (inputs.login) {
    bound.add(usernamePassword(credentialsId: inputs.login, usernameVariable: 'DIFY_EMAIL', passwordVariable: 'DIFY_PASSWORD'))
  }
  for (entry in mapToList(inputs.secrets ?: [:])) {
    bound.add(string(credentialsId: entry[1], variable: entry[0]))
  }
  List environment = ["SLUICE_INPUTS=${groovy.json.JsonOutput.toJson(values)}".toString()]
  if (inputs.hosts) {
    environment.add("SLUICE_HOSTS=${inputs.hosts}".toString())
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
  int code = 0
  withEnv(["SLUICE_BUNDLE=${home}/dist/index.js".toString()]) {
    code = isUnix()
      ? sh(label: "sluice ${step}", returnStatus: true, script: "exec node \"\$SLUICE_BUNDLE\" ${step}")
      : bat(label: "sluice ${step}", returnStatus: true, script: "@node \"%SLUICE_BUNDLE%\" ${step}")
  }
  String results = "${env.SLUICE_RESULTS ?: '.sluice/results'}"
  Map outputs = fileExists("${results}/outputs.json") ? readJSON(file: "${results}/outputs.json", returnPojo: true) : [:]
  String reason = "Sluice ${step}: ${outputs.reason ?: 'it left no result; see its lines above'}"
  if (code == 6) {
    unstable(reason)
  } else if (code != 0) {
    error("${reason} (exit code ${code})")
  }
  return outputs
}

/** A list of pairs can be walked with steps between; a map's own entries cannot be kept by a pipeline that sleeps. */
@NonCPS
private List mapToList(Map map) {
  List pairs = []
  map.each { key, value -> pairs.add([key.toString(), value]) }
  return pairs
}
