Feature: Never reached

  Scenario: never run
    Given a step
