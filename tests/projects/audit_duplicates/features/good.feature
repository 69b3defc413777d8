Feature: Nothing wrong

  Background:
    Given 2 bees

  Scenario: A scenario
    When they fly
    Then the hive is "full"
    And the hive is "quiet"
    And the queen is well

  Scenario Outline: The hive is <state>
    Given a bee
    When they fly
    Then the hive is "<state>"

    Examples:
      | state |
      | full  |
      | empty |

  Scenario: Twice
    When they fly
    Then the hive is "full"
