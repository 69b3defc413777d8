Feature: What a scenario leaves behind fails it
  A scenario ends with what it began with. The census comes after its last cleanup; whatever is extra fails that
  scenario and no other, is named in full, and is cleared away before the next one begins.

  Background:
    Given the project "leaks"

  Scenario Outline: <what>, in <sandbox>
    When behave runs its scenarios "<what>" and "nothing" in <sandbox>
    Then behave has exited with status 1
    And the leak is named as a <kind>, with its <details>
    And "<what>" has failed
    And "nothing" has passed
    And nothing of that run is alive

    @needs.pid_namespace
    Examples: In namespaces
      | sandbox    | what                           | kind    | details                |
      | namespaces | a process that forked twice    | process | PID and marker         |
      | namespaces | a process that ignores SIGTERM | process | PID and marker         |
      | namespaces | a stopped process              | process | PID and marker         |
      | namespaces | a zombie                       | zombie  | PID                    |
      | namespaces | a process with a port          | port    | PID and port           |
      | namespaces | a process with a file lock     | lock    | PID and path           |
      | namespaces | a port of behave itself        | port    | port                   |
      | namespaces | a file lock of behave itself   | lock    | path                   |
      | namespaces | a temporary folder             | folder  | path                   |
      | namespaces | a mount                        | mount   | path                   |

    Examples: In portable mode
      | sandbox       | what                           | kind    | details                |
      | portable mode | a process that forked twice    | process | PID and marker         |
      | portable mode | a process that ignores SIGTERM | process | PID and marker         |
      | portable mode | a stopped process              | process | PID and marker         |
      | portable mode | a zombie                       | zombie  | PID                    |
      | portable mode | a process with a port          | port    | PID and port           |
      | portable mode | a process with a file lock     | lock    | PID and path           |
      | portable mode | a port of behave itself        | port    | port                   |
      | portable mode | a file lock of behave itself   | lock    | path                   |
      | portable mode | a temporary folder             | folder  | path                   |

  Scenario: The JUnit file names the leak
    When behave runs it with `--junit -n ignores`
    Then the JUnit file calls "a process that ignores SIGTERM" wrong, for "process left behind"

  Scenario: A step's failure and a leak are both told
    When behave runs it with `--junit -n failed`
    Then the JUnit file calls "a failed step and a process" wrong, for "this is the failing step"
    And the JUnit file calls "a failed step and a process" wrong, for "process left behind"
    And behave has said "process left behind"

  Scenario: What the hooks of a feature and of the run leave behind fails the run, and no scenario
    Given the project "leaking_hooks"
    When behave runs it with `--junit`
    Then behave has exited with status 1
    And "nothing wrong" has passed
    And the JUnit file calls "the end of the feature Hooks that leak" wrong, for "double-fork"
    And the JUnit file calls "the end of the run" wrong, for "process left behind"
    And nothing of that run is alive
