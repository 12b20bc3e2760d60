import groovy.json.JsonSlurperClassic

/**
 * What a Jenkins controller and an agent give a shared library, and nothing else: `vars`, `resources`, and the steps that
 * ours and the documented pipelines call. `layer` says which steps have a body, and what is in force within it.
 */
class Agent {
  static final List<String> ON_AN_AGENT = ['sh', 'bat', 'pwd', 'isUnix', 'fileExists', 'readFile', 'writeFile', 'checkout', 'stash', 'unstash', 'junit', 'archiveArtifacts']
  static final List<String> VALUES = ['string', 'usernamePassword', 'gitUsernamePassword', 'disableConcurrentBuilds', 'parameters']

  File library
  File workspace
  Map credentials
  Env env = new Env()
  List<String> masked = []
  String result = 'SUCCESS'
  int held = 0

  Agent(String[] arguments) {
    library = new File(arguments[0])
    workspace = new File(arguments[1])
    credentials = new JsonSlurperClassic().parse(new File(arguments[3]), 'UTF-8') as Map
    env.stack[0].putAll(System.getenv())
    Env.current = env
  }

  void say(String line) {
    println(masked.inject(line) { text, secret -> text.replace(secret, '****') })
  }

  /** names are what a pipeline finds beside the steps. */
  Map names() { [env: env, scm: 'the repository of the pipeline', params: new JsonSlurperClassic().parseText(env.PARAMS ?: '{}')] }

  int end(Throwable failure) {
    if (failure != null) {
      result = 'FAILURE'
      say("ERROR: ${failure instanceof StepFailed ? failure.message : failure}")
    }
    println("Finished: ${result}")
    return result == 'FAILURE' ? 1 : 0
  }

  File variable(String name) {
    File file = new File(library, "vars/${name}.groovy")
    file.exists() ? file : null
  }

  /** value is what a call gives that is no step, but describes something for one. */
  Map value(String name, Object described) {
    Map given = described instanceof Map ? described : [:]
    // A property of the job, or a parameter.
    if (given.credentialsId == null) return given
    def secret = credentials[given.credentialsId]
    if (secret == null) throw new StepFailed("Could not find credentials entry with ID '${given.credentialsId}'")
    switch (name) {
      case 'string': return [(given.variable): secret]
      case 'usernamePassword': return [(given.usernameVariable): secret.username, (given.passwordVariable): secret.password]
      default: return [GIT_USERNAME: secret.username, GIT_PASSWORD: secret.password]
    }
  }

  /** enter puts in force what a step with a body brings, and gives what takes it away again. */
  Closure enter(String name, List arguments) {
    Map layer = [:]
    switch (name) {
      case 'node': held++; return { held-- }
      case 'stage': case 'timeout': break
      case 'withEnv': layer = arguments[0].collectEntries { [it.substring(0, it.indexOf('=')), env.expanded(it.substring(it.indexOf('=') + 1))] }; break
      case 'withCredentials':
        layer = arguments[0].inject([:]) { sum, one -> sum + one } as Map
        masked.addAll(layer.values())
        break
      default: throw new StepFailed("No such DSL method '${name}' found among steps")
    }
    env.stack.add(layer)
    return { env.stack.removeAt(env.stack.size() - 1) }
  }

  def step(String name, List arguments) {
    def first = arguments ? arguments[0] : null
    if (name in ON_AN_AGENT && held == 0) throw new StepFailed("Required context class hudson.FilePath is missing: ${name} was called outside of node")
    switch (name) {
      // The workspace is the project already, and another node has the same one.
      case 'checkout': case 'stash': case 'unstash': case 'properties': return null
      case 'junit': case 'archiveArtifacts': say("${name} ${first}"); return null
      case 'input':
        if (held > 0) throw new StepFailed('input was called while an agent is held')
        say("asked: ${first.message}")
        if (env.APPROVED == 'no') throw new StepFailed('Rejected by a person')
        return null
      case 'echo': say(first.toString()); return null
      case 'error': throw new StepFailed(first.toString())
      case 'unstable': result = 'UNSTABLE'; say("WARNING: ${first}"); return null
      case 'isUnix': return env.WINDOWS == null
      case 'pwd': return first?.tmp ? "${workspace.path}@tmp".toString() : workspace.path
      case 'sh': return shell(first instanceof Map ? first : [script: first])
      case 'bat': say("bat ${first.script}"); return first.returnStatus ? 0 : null
      case 'fileExists': return path(first).exists()
      case 'readFile': return path(first.file).getText(first.encoding)
      case 'writeFile': path(first.file).parentFile.mkdirs(); path(first.file).setText(first.text, first.encoding); return null
      case 'libraryResource': return new File(library, "resources/${first}").getText('UTF-8')
      default: throw new StepFailed("No such DSL method '${name}' found among steps")
    }
  }

  private File path(String name) { new File(name).absolute ? new File(name) : new File(workspace, name) }

  /** shell starts a script as durable-task does: `sh -xe`, no input, the cookie by which an abort finds it. */
  private shell(Map options) {
    File script = File.createTempFile('step', '.sh')
    script.text = options.script
    ProcessBuilder builder = new ProcessBuilder('sh', '-xe', script.path).directory(workspace).redirectErrorStream(true)
    builder.environment().clear()
    builder.environment().putAll(env.all() + [JENKINS_SERVER_COOKIE: "durable-${workspace.name}".toString()])
    Process process = builder.start()
    process.outputStream.close()
    process.inputStream.eachLine('UTF-8') { line -> say(line) }
    int code = process.waitFor()
    script.delete()
    if (options.returnStatus) return code
    if (code != 0) throw new StepFailed("script returned exit code ${code}")
    return null
  }
}
