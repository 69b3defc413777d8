Feature: Hooks that leak

  Scenario: nothing wrong
    Given a step
