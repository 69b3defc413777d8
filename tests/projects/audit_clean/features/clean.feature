Feature: Nothing wrong

  Background:
    Given it rains

  Scenario: Bees fly
    Given 2 bees
    And 3 bees each
    When they fly
    Then the line "gone" is there
    And the line "here" is not there
    And it rains

  Scenario Outline: Bees fly, counted <count>
    Given <count> bees
    And a bee
    When they fly
    Then it rains

    Examples:
      | count |
      | 4     |
      | 5     |
