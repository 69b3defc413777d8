@cluster
Feature: A worker is restarted while it generates
  - A stream that breaks after its first token ends with one error chunk and without [DONE], within a second.
  - A worker that is asked to end finishes what it has begun.
  - Before the first token there is nothing to break: the client gets a status, and when to come again.
  - Afterwards the worker serves again under its id, and nothing that was written is damaged.

  Background:
    Given a hive that always restarts its workers
    And 1 worker on it

  Scenario: The worker is killed in the middle of a stream
    Given a client that has received half of the 60 tokens that it asked for
    When the worker that serves it is killed
    Then the stream ends within 1 second with one error chunk that carries its request id, and no [DONE]
    And it runs again: same id, new instance, new process, and the old process is gone
    And the tokens received are the first tokens of the same request repeated whole
    And the queen, the hives and the process table agree on 1 worker
    And the hive's catalog passes an integrity check and lists the model

  Scenario: After the first token no other worker takes over
    Given 1 worker on it
    And a client that has received half of the 60 tokens that it asked for
    When the worker that serves it is killed
    Then the stream ends within 1 second with one error chunk that carries its request id, and no [DONE]
    And the tokens received are the first tokens of the same request repeated whole

  Scenario Outline: The worker is <asked> in the middle of a stream
    Given a client that has received half of the 60 tokens that it asked for
    When the worker that serves it is <asked>
    Then the stream finishes with all of its tokens and [DONE]
    And it runs again: same id, new instance, new process, and the old process is gone
    And the tokens received are the first tokens of the same request repeated whole
    And the queen, the hives and the process table agree on 1 worker
    And the hive's catalog passes an integrity check and lists the model

    Examples:
      | asked                     |
      | sent SIGTERM              |
      | restarted through the API |

  Scenario Outline: The worker is killed before the first token of a <kind> request
    Given a worker that is frozen
    And a client whose <kind> request waits for that worker
    When the worker that serves it is killed
    Then the client gets 502 or 503 with Retry-After and its request id
    And it runs again: same id, new instance, new process, and the old process is gone

    Examples:
      | kind          |
      | streaming     |
      | non-streaming |

  Scenario Outline: The restarted worker serves again after it was <ended>
    Given a client that has received half of the 60 tokens that it asked for
    When the worker that serves it is <ended>
    And it has been restarted
    And 1 request is sent
    Then every request is answered
    And the restarted worker served 1 of them by its own count

    Examples:
      | ended                     |
      | killed                    |
      | sent SIGTERM              |
      | restarted through the API |
