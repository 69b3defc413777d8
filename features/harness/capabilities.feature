Feature: A scenario that this machine cannot run is skipped aloud
  A scenario says what it needs (`@needs.kernel_network`). Where that is missing it is skipped with the reason, in the
  output, the journal and the report: never silently, and never by a guess, each capability having been tried.

  @needs.user_namespaces
  Scenario: A machine that forbids nearly everything
    Given the project "needs"
    When behave runs it as on a locked-down machine
    Then behave has exited with status 0
    And "no needs" has passed
    And each of these is skipped for its reason
      | capability        | reason                                           |
      | user_namespaces   | a limit such as user.max_user_namespaces         |
      | pid_namespace     | a limit such as user.max_user_namespaces         |
      | network_namespace | the sandbox of this run is portable              |
      | kernel_network    | the sandbox of this run is portable              |
      | mount_tmpfs       | a mount would be seen by the whole machine       |
      | cgroup_memory     | No such file or directory                        |
      | openai            | the Python package openai is not installed       |
      | uvloop            | the Python package uvloop is not installed       |

  @needs.user_namespaces
  Scenario: The fallback takes over by itself on such a machine
    Given the project "endings"
    When behave runs it as on a locked-down machine
    Then behave has exited with status 1
    And "passes" has passed
    And "fails" has failed
    And nothing of that run is alive

  Scenario: A run of which nothing is left is a failure
    Given the project "needs"
    When behave runs its scenario "mount_tmpfs" in portable mode
    Then behave has exited with status 1
    And behave has said "nothing ran: every selected scenario was skipped"
