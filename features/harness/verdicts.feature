Feature: Nothing is called passed that did not run
  Mistakes in features and steps are errors, also those that behave itself lets pass.

  Background:
    Given the project "verdicts"

  Scenario Outline: A selection of nothing is a failure (`<options>`)
    When behave runs it with `<options>`
    Then behave has exited with status 1
    And behave has said "nothing to run: none of the 14 scenarios in 2 features"

    Examples:
      | options         |
      | --tags=@typo    |
      | -n no-such-name |

  Scenario: A dry run may select nothing
    When behave runs it with `--dry-run --tags=@typo`
    Then behave has exited with status 0

  Scenario Outline: <name>
    When behave runs its scenario "<name>" in the sandbox of its choice
    Then behave has exited with status 1
    And behave has said "<message>"

    Examples:
      | name                             | message                                                     |
      | no steps                         | the scenario 'no steps' has no steps                        |
      | an ambiguous step                | steps/verdicts_steps.py:18: @given('{what} are there')      |
      | an undefined step                | 1 undefined                                                 |
      | a need that nobody knows         | Did you mean kernel_network?                                |
      | a step that forgets to await     | coroutine 'coroutine' was never awaited                     |
      | a step that returns a coroutine  | coroutine 'coroutine' was never awaited                     |

  Scenario: Parallel jobs are refused aloud, not in silence
    When behave runs it with `-n wrong --jobs 4`
    Then behave has exited with status 0
    And behave has said "parallel jobs are not supported yet"

  Scenario: A failing before_all is an error in the JUnit file too
    Given the project "before_all_fails"
    When behave runs it with `--junit`
    Then behave has exited with status 1
    And the JUnit file calls "never run" wrong, for "the hook before_all is broken"
    And nothing of that run is alive
