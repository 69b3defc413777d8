Feature: Thens with and without evidence

  Scenario: a Then that looks and asserts
    Then it looks and asserts

  Scenario: a Then that lets the harness assert
    Then it looks and the harness checks

  Scenario: a Then that remembers
    When something is seen
    Then the memory is asserted

  Scenario: an And that remembers
    Then it looks and asserts
    And the memory is asserted

  Scenario: a Then that accepts anything
    Then it looks

  Scenario: a Then that asserts a constant
    Then it looks and asserts a constant

  Scenario: a Given without evidence
    Given nothing in particular
