/*
 * Runs a pipeline with the shared library, compiled by the very release of Groovy that Jenkins embeds, 2.4.21, as plain
 * Groovy. Run as: groovy -cp <this folder> controller.groovy <library> <workspace> <Jenkinsfile> <credentials.json>
 */
import org.codehaus.groovy.control.CompilerConfiguration

@interface NonCPS {}

@interface Library {
  String value()
}

abstract class Pipeline extends Script {
  def methodMissing(String name, Object given) {
    Agent agent = binding.getVariable('agent')
    List arguments = given as List
    File variable = agent.variable(name)
    if (variable != null) return binding.getVariable('shell').parse(variable).invokeMethod('call', given)
    if (name in Agent.VALUES) return agent.value(name, arguments ? arguments[0] : null)
    if (!(arguments && arguments.last() instanceof Closure)) return agent.step(name, arguments)
    Closure leave = agent.enter(name, arguments)
    try {
      return arguments.last().call()
    } finally {
      leave()
    }
  }
}

Agent agent = new Agent(args)
Binding names = new Binding([agent: agent] + agent.names())
GroovyShell shell = new GroovyShell(this.class.classLoader, names, new CompilerConfiguration(scriptBaseClass: 'Pipeline'))
names.setVariable('shell', shell)
Throwable failure = null
try {
  shell.evaluate(new File(args[2]))
} catch (StepFailed thrown) {
  failure = thrown
}
System.exit(agent.end(failure))
