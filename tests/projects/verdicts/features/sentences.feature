Feature: Steps that are wrong before they run

  Scenario: an undefined step
    Given nothing in particular
    When nobody has defined this

  Scenario: an ambiguous step
    Given 3 bees are there

  Scenario: no steps

  Scenario: a step that forgets to await
    When a coroutine is thrown away

  Scenario: a step that returns a coroutine
    When a coroutine is returned

  @needs.kernel_netwrok
  Scenario: a need that nobody knows
    Given nothing in particular

  Scenario: nothing wrong
    Given nothing in particular
