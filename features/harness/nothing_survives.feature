Feature: Nothing outlives behave
  However a run ends, none of the processes that its scenarios started is alive after it. The daemons here fork
  twice, lead sessions of their own and ignore SIGTERM, SIGINT and SIGHUP, and no cleanup ends them.

  - The first SIGINT, SIGTERM or SIGHUP ends a run in order: the step is aborted, its scenario fails, cleanups run.
  - The second ends it at once.
  - The exit status is 128 + the signal's number; a run whose standard output was closed counts as SIGPIPE.
  - A run that was killed has a report all the same.

  Background:
    Given the project "endings"

  Scenario Outline: A run that <ending>, in <sandbox>
    When behave runs its scenario "<ending>" in <sandbox>
    Then behave has exited with status <status>
    And behave has said "<words>"
    And nothing of that run is alive

    @needs.pid_namespace
    Examples: In namespaces
      | sandbox    | ending                          | status | words                              |
      | namespaces | passes                          | 0      | 1 scenario passed                  |
      | namespaces | fails                           | 1      | this is the failing step           |
      | namespaces | has an error in before_scenario | 1      | the hook before_scenario is broken |
      | namespaces | has an error in after_scenario  | 1      | the hook after_scenario is broken  |
      | namespaces | calls os._exit                  | 1      | behave ended with status 0         |

    Examples: In portable mode
      | sandbox       | ending                          | status | words                              |
      | portable mode | passes                          | 0      | 1 scenario passed                  |
      | portable mode | fails                           | 1      | this is the failing step           |
      | portable mode | has an error in before_scenario | 1      | the hook before_scenario is broken |
      | portable mode | has an error in after_scenario  | 1      | the hook after_scenario is broken  |
      | portable mode | calls os._exit                  | 1      | behave ended with status 0         |

  Scenario Outline: sys.exit(0) in a step is a failed step, in <sandbox>
    When behave runs its scenarios "calls sys.exit" and "comes after it" in <sandbox>
    Then behave has exited with status 1
    And "calls sys.exit" has failed
    And behave has said "the step called sys.exit(0)"
    And "comes after it" has passed
    And nothing of that run is alive

    @needs.pid_namespace
    Examples: In namespaces
      | sandbox    |
      | namespaces |

    Examples: In portable mode
      | sandbox       |
      | portable mode |

  Scenario Outline: Standard output is closed in the middle of a scenario, in <sandbox>
    When behave runs its scenario "prints" in <sandbox>, piped into `grep -q "a cleanup that"`
    Then behave has exited with status 141
    And the line "cleaned up" is there
    And "prints" has failed
    And behave has not said "Traceback"
    And nothing of that run is alive

    @needs.pid_namespace
    Examples: In namespaces
      | sandbox    |
      | namespaces |

    Examples: In portable mode
      | sandbox       |
      | portable mode |

  Scenario: Standard output is closed before the first scenario
    When behave runs its scenario "prints" in the sandbox of its choice, piped into `head -n 1`
    Then behave has exited with status 141
    And the line "waiting" is not there
    And behave has not said "Traceback"
    And nothing of that run is alive

  Scenario Outline: <signal> to the <part>, in <sandbox>
    Given the run of its scenario "waits", in <sandbox>, has come to the line "waiting"
    When <signal> is sent to its <part>
    Then behave has exited with status <status>
    And the line "cleaned up" is there
    And "waits" has failed
    And nothing of that run is alive

    @needs.pid_namespace
    Examples: In namespaces
      | sandbox    | signal  | part     | status |
      | namespaces | SIGINT  | terminal | 130  |
      | namespaces | SIGTERM | launcher | 143  |
      | namespaces | SIGHUP  | launcher | 129  |

    Examples: In portable mode
      | sandbox       | signal  | part     | status |
      | portable mode | SIGINT  | terminal | 130    |
      | portable mode | SIGTERM | launcher | 143    |
      | portable mode | SIGHUP  | launcher | 129    |
      | portable mode | SIGKILL | reaper   | 137    |

  Scenario Outline: Ctrl-C twice ends a run in the middle of its cleanups, in <sandbox>
    Given the run of its scenario "waits, with a slow cleanup", in <sandbox>, has come to the line "waiting"
    When SIGINT is sent to its terminal, and after the line "cleaning up" once more
    Then behave has exited with status 130
    And the line "cleaned up" is not there
    And nothing of that run is alive

    @needs.pid_namespace
    Examples: In namespaces
      | sandbox    |
      | namespaces |

    Examples: In portable mode
      | sandbox       |
      | portable mode |

  Scenario Outline: SIGKILL to the <part>, in <sandbox>
    Given the run of its scenario "waits", in <sandbox>, has come to the line "waiting"
    When SIGKILL is sent to its <part>
    Then behave has exited with status 137
    And nothing of that run is alive
    And the run was drawn as <drawn>

    @needs.pid_namespace
    Examples: In namespaces
      | sandbox    | part     | drawn  |
      | namespaces | launcher | none |
      | namespaces | run      | killed |
      | namespaces | reaper   | killed |

    Examples: In portable mode
      | sandbox       | part     | drawn  |
      | portable mode | launcher | none   |
      | portable mode | run      | killed |
