Feature: Mistakes

  Background:
    When they fly

  Scenario: Nobody defined its line
    Given 2 bees
    When they dance
    Then the hive is "full"

  Scenario: Two definitions for one line
    When a message is sent
    Then 3 bees are home

  Scenario: Nothing is done
    Given 2 bees
    Then the hive is "full"

  Scenario: Nothing is asserted
    Given 2 bees
    When they rest

  Scenario Outline: Rows of one name
    When they fly
    Then the hive is "<state>"

    Examples:
      | state |
      | full  |
      | empty |
