/** Env answers for `env.NAME` from the variables in force. */
class Env implements Serializable {
  static Env current
  transient List<Map<String, String>> stack = [[:]]

  Map<String, String> all() { stack.inject([:]) { sum, layer -> sum + layer } as Map<String, String> }
  def propertyMissing(String name) { all()[name] }

  /** expanded puts variables into a text as Jenkins' withEnv does (hudson.Util.replaceMacro): a secret's value, too. */
  String expanded(String text) {
    Map<String, String> known = all()
    text.replaceAll(/\$(\$|\w+|\{[\w.]+\})/) { whole, String name ->
      name == '$' ? name : (known[name.replaceAll(/[{}]/, '')] ?: whole)
    }
  }

  Object readResolve() { current }
}
