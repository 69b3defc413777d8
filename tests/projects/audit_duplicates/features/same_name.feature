Feature: Another one

  Scenario: Twice
    When they fly
    Then the hive is "full"
