/** StepFailed is a step's own way to fail. */
class StepFailed extends RuntimeException {
  StepFailed(String message) { super(message) }
}
