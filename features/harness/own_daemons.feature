Feature: The kit drives any daemons
  A project with two daemons of its own, of which one is no Python, has nothing but the wheel of beehave: a file that
  names their command lines, two lines of environment.py, and its own steps and features.

  Background:
    Given the project "theirs", where only the wheel of beehave is installed

  Scenario: The wheel has the kit and nothing else
    When behave runs it with `--dry-run`
    Then behave has exited with status 0
    And of these modules, beehave alone can be imported there
      | module  |
      | beehave |
      | cluster |
      | daemons |
      | bugs    |
      | steps   |
      | tests   |

  Scenario Outline: Its daemons are started, met and ended, in <sandbox>
    When behave runs its scenarios "The web server serves our files" and "The ticker runs beside it" in <sandbox>
    Then behave has exited with status 0
    And "The web server serves our files" has passed
    And "The ticker runs beside it" has passed
    And nothing of that run is alive

    @needs.pid_namespace
    Examples: In namespaces
      | sandbox    |
      | namespaces |

    Examples: In portable mode
      | sandbox       |
      | portable mode |

  Scenario: A process that it leaves behind is named
    When behave runs it with `--tags=@leaking`
    Then behave has exited with status 1
    And "A process is left behind" has failed
    And the leak is named as a process, with its PID and path
    And behave has said "sleep 600"
    And nothing of that run is alive

  Scenario: With behave's own runner nothing begins, since nothing would be judged
    When behave runs it with `--runner=behave.runner:Runner`
    Then behave has exited with status 1
    And behave has said "write runner = "beehave:HarnessRunner" below [tool.behave] in pyproject.toml"

  Scenario: The other commands work in it as well
    When behave runs its scenario "The ticker runs beside it" in the sandbox of its choice
    Then each of these commands has exited with 0, and said
      | command    | words                                    |
      | stubs      | nothing found                            |
      | duplicates | nothing found                            |
      | progress   | A Our daemons            3       3       |
      | report     | reports/last/report.html                 |
