@cluster
Feature: A request is bounded, and its mistakes are its own
  - A deadline holds at whichever hop it is told: 504 when it has passed, and the work stops down to the worker.
  - A client's mistake is answered as one (4xx), and never counts against the worker that it met.
  - A worker that is routed to has loaded its model.

  Scenario Outline: A deadline holds at the <hop>
    Given a hive with 1 worker
    When the <hop> is asked for 200 tokens with a deadline of 600 ms
    Then the answer is 504 with code "deadline_exceeded", after 600 ms and before 1600 ms
    And the worker is idle again

    Examples:
      | hop    |
      | queen  |
      | hive   |
      | worker |

  Scenario: A client's mistakes do not count against the worker
    Given a hive with 1 worker
    When 5 requests for another model reach the worker, and a sound one follows each
    Then each of the 5 mistakes is answered 404 with code "model_not_found"
    And every request is answered

  Scenario: A request for a model that no worker has
    Given a hive with 1 worker
    When 1 request for the model "nope:1b" is sent
    Then the answer is 404 with code "model_not_found"

  Scenario: A worker that is routed to has loaded its model
    Given a hive
    And a worker on it that serves "large:70b"
    When 1 request for the model "large:70b" is sent
    Then every request is answered
