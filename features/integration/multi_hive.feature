@cluster
Feature: Several hives serve as one
  - The queen spreads requests evenly over the hives that can serve a model.
  - When a hive is gone, the others take all of its share, and no client notices.
  - A request goes to a worker that has its model, and a hive that was removed takes its workers with it.
  - Hives that register in the same instant are all known, each under an id of its own.

  Scenario: Requests that follow one another are shared evenly
    Given 2 hives with 2 workers each
    When 10 requests are sent one after the other
    Then every request is answered
    And the hives served 10 of them by their own counts, evenly within 1
    And every worker served some of them by its own count

  Scenario: Requests that come at once are shared evenly
    Given 2 hives with 2 workers each
    When 10 requests are sent at once
    Then every request is answered
    And the hives served 10 of them by their own counts, evenly within 1

  Scenario Outline: The other hive takes all when one is <ended>
    Given 2 hives with 2 workers each
    When hive-2 is <ended>
    And 10 requests are sent one after the other
    Then every request is answered
    And hive-1 served 10 of them by its own count

    Examples:
      | ended   |
      | stopped |
      | killed  |

  Scenario: A request goes to the worker that has its model
    Given a hive with 1 worker
    And a worker on it that serves "small:3b"
    When 4 requests for the model "small:3b" are sent one after the other
    Then the worker of "small:3b" served 4 of them by its own count

  Scenario: A hive that was removed takes its workers with it
    Given 2 hives with 1 worker each
    When hive-2 is removed at the queen
    And 4 requests are sent one after the other
    Then the queen lists the workers of hive-1 alone
    And every request is answered
    And hive-1 served 4 of them by its own count

  Scenario: Three hives register in the same instant
    When 3 hives start in the same instant
    Then the queen lists 3 hives that are available, with distinct ids and instances
    And each of them is the process that was started under that id
