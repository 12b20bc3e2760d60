/*
 * What a Jenkins controller and agent give a shared library, and nothing else: `vars`, `resources`, and the steps that
 * ours calls. Run as: groovy controller.groovy <library> <workspace> <Jenkinsfile> <credentials.json>
 * Jenkins compiles a library with this very release of Groovy, 2.4.21; its CPS transform is not here.
 */
import groovy.json.JsonSlurperClassic
import org.codehaus.groovy.control.CompilerConfiguration

@interface NonCPS {}

@interface Library {
  String value()
}

class StepFailed extends RuntimeException {
  StepFailed(String message) { super(message) }
}

/** Env answers for `env.NAME` from the variables in force. */
class Env {
  List<Map<String, String>> stack = [[:]]
  Map<String, String> all() { stack.inject([:]) { sum, layer -> sum + layer } as Map<String, String> }
  def propertyMissing(String name) { all()[name] }
}

class Agent {
  File library
  File workspace
  Map credentials
  Env env = new Env()
  List<String> masked = []
  String result = 'SUCCESS'
  GroovyShell shell

  void say(String line) {
    println(masked.inject(line) { text, secret -> text.replace(secret, '****') })
  }

  File path(String name) { new File(name).absolute ? new File(name) : new File(workspace, name) }

  def within(Map<String, String> layer, Closure body) {
    env.stack.add(layer)
    try {
      return body()
    } finally {
      env.stack.removeAt(env.stack.size() - 1)
    }
  }

  def shellStep(Map options) {
    File script = File.createTempFile('step', '.sh')
    script.text = options.script
    ProcessBuilder builder = new ProcessBuilder('sh', '-xe', script.path).directory(workspace).redirectErrorStream(true)
    builder.environment().clear()
    builder.environment().putAll(env.all())
    Process process = builder.start()
    process.outputStream.close()
    process.inputStream.eachLine('UTF-8') { line -> say(line) }
    int code = process.waitFor()
    script.delete()
    if (options.returnStatus) return code
    if (code != 0) throw new StepFailed("script returned exit code ${code}")
    return null
  }

  def call(String name, List arguments) {
    File step = new File(library, "vars/${name}.groovy")
    if (step.exists()) return shell.parse(step).invokeMethod('call', arguments as Object[])
    def first = arguments ? arguments[0] : null
    switch (name) {
      case 'node': case 'stage': case 'timeout': return arguments.last().call()
      // The workspace is the project already, and another node has the same one.
      case 'checkout': case 'stash': case 'unstash': return null
      case 'input': if (env.APPROVED == 'no') throw new StepFailed('Rejected by a person'); return null
      case 'echo': say(first); return null
      case 'error': throw new StepFailed(first)
      case 'unstable': result = 'UNSTABLE'; say("WARNING: ${first}"); return null
      case 'isUnix': return true
      case 'pwd': return first?.tmp ? "${workspace.path}@tmp".toString() : workspace.path
      case 'sh': return shellStep(first instanceof Map ? first : [script: first])
      case 'fileExists': return path(first).exists()
      case 'writeFile': path(first.file).parentFile.mkdirs(); path(first.file).setText(first.text, first.encoding ?: 'UTF-8'); return null
      case 'readJSON': return new JsonSlurperClassic().parse(path(first.file), 'UTF-8')
      case 'libraryResource': return new File(library, "resources/${first}").getText('UTF-8')
      case 'withEnv': return within(first.collectEntries { [it.substring(0, it.indexOf('=')), it.substring(it.indexOf('=') + 1)] }, arguments[1])
      case 'string': return [(first.variable): credentials[first.credentialsId]]
      case 'usernamePassword':
        Map login = credentials[first.credentialsId]
        return [(first.usernameVariable): login.username, (first.passwordVariable): login.password]
      case 'withCredentials':
        Map layer = first.inject([:]) { sum, one -> sum + one } as Map
        layer.each { variable, value -> if (value == null) throw new StepFailed("Could not find credentials for ${variable}"); masked.add(value) }
        return within(layer, arguments[1])
      default: throw new StepFailed("No such DSL method '${name}' found among steps")
    }
  }
}

abstract class Pipeline extends Script {
  def methodMissing(String name, Object arguments) { binding.getVariable('agent').call(name, arguments as List) }
}

Agent agent = new Agent(library: new File(args[0]), workspace: new File(args[1]), credentials: new JsonSlurperClassic().parse(new File(args[3]), 'UTF-8') as Map)
agent.env.stack[0].putAll(System.getenv())
Binding binding = new Binding([agent: agent, env: agent.env, scm: 'the repository of the pipeline'])
agent.shell = new GroovyShell(this.class.classLoader, binding, new CompilerConfiguration(scriptBaseClass: 'Pipeline'))
try {
  agent.shell.evaluate(new File(args[2]))
} catch (StepFailed failure) {
  agent.result = 'FAILURE'
  agent.say("ERROR: ${failure.message}")
}
println("Finished: ${agent.result}")
System.exit(agent.result == 'FAILURE' ? 1 : 0)
