/*
 * Runs a pipeline with the shared library as Jenkins does: through its real CPS transform (com.cloudbees:groovy-cps), and
 * with the whole program written down and read again at every step, as for a controller that restarts there. What cannot
 * be written fails the build, as in Jenkins. Run as controller.groovy, with groovy-cps and guava in the class path.
 */
import com.cloudbees.groovy.cps.Continuable
import com.cloudbees.groovy.cps.Continuation
import com.cloudbees.groovy.cps.CpsTransformer
import com.cloudbees.groovy.cps.NonCPS
import com.cloudbees.groovy.cps.Outcome
import com.cloudbees.groovy.cps.impl.CpsCallableInvocation
import org.codehaus.groovy.control.CompilerConfiguration
import org.codehaus.groovy.control.customizers.ImportCustomizer
import org.codehaus.groovy.runtime.InvokerHelper

@interface Library {
  String value()
}

class StepCall implements Serializable {
  String name
  List arguments
}

/** Frame is one program under way: the pipeline itself, or the body of a step; `leave` takes away what the step brought. */
class Frame implements Serializable {
  Continuable program
  transient Closure leave
}

abstract class Pipeline extends Script implements Serializable {
  static Controller controller

  Object invokeMethod(String name, Object given) {
    def variable = controller.variable(name)
    if (variable != null) return InvokerHelper.getMetaClass(variable).invokeMethod(variable, 'call', given)
    List arguments = given as List
    if (name in Agent.VALUES) return controller.agent.value(name, arguments ? arguments[0] : null)
    return Continuable.suspend(name, new StepCall(name: name, arguments: arguments))
  }

  Object readResolve() {
    binding = controller.names
    return this
  }
}

class Controller {
  Agent agent
  GroovyShell shell
  Binding names
  Map<String, Script> variables = [:]
  int written = 0

  def variable(String name) {
    File file = agent.variable(name)
    if (file != null && !variables.containsKey(name)) variables[name] = shell.parse(file)
    return variables[name]
  }

  /** restarted is what a controller that went away at this step would read back. */
  def restarted(Object state) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream()
    new ObjectOutputStream(bytes).withCloseable { it.writeObject(state) }
    ClassLoader loader = shell.classLoader
    ObjectInputStream reader = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())) {
      protected Class<?> resolveClass(ObjectStreamClass described) { Class.forName(described.name, false, loader) }
    }
    written++
    return reader.readObject()
  }

  Continuable bodyOf(Closure body) {
    try {
      body.call()
    } catch (CpsCallableInvocation invocation) {
      return new Continuable(invocation.invoke(null, null, Continuation.HALT))
    }
    throw new IllegalStateException('a body that the CPS transform did not see')
  }

  Throwable run(File pipeline) {
    List<Frame> frames = [new Frame(program: new Continuable(shell.parse(pipeline)))]
    Outcome next = new Outcome(null, null)
    while (frames) {
      next = frames.last().program.run0(next)
      if (!(next.normal instanceof StepCall)) {
        frames.removeAt(frames.size() - 1).leave?.call()
        continue
      }
      List<Closure> leaving = frames*.leave
      StepCall called = next.normal
      try {
        Map state = restarted([frames: frames, called: called])
        frames = state.frames
        called = state.called
      } catch (NotSerializableException lost) {
        return lost
      }
      frames.eachWithIndex { frame, index -> frame.leave = leaving[index] }
      next = begin(called, frames)
    }
    return next.abnormal
  }

  Outcome begin(StepCall called, List<Frame> frames) {
    List arguments = called.arguments
    try {
      if (!(arguments && arguments.last() instanceof Closure)) return new Outcome(agent.step(called.name, arguments), null)
      Closure leave = agent.enter(called.name, arguments)
      frames.add(new Frame(program: bodyOf(arguments.last()), leave: leave))
      return new Outcome(null, null)
    } catch (StepFailed thrown) {
      return new Outcome(null, thrown)
    }
  }
}

Agent agent = new Agent(args)
Binding names = new Binding(agent.names())
CompilerConfiguration configuration = new CompilerConfiguration(scriptBaseClass: 'Pipeline')
configuration.addCompilationCustomizers(new ImportCustomizer().addImports(NonCPS.name), new CpsTransformer())
GroovyShell shell = new GroovyShell(this.class.classLoader, names, configuration)
Pipeline.controller = new Controller(agent: agent, shell: shell, names: names)
Throwable failure = Pipeline.controller.run(new File(args[2]))
println("written and read again ${Pipeline.controller.written} times")
System.exit(agent.end(failure))
