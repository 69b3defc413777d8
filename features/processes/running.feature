@cluster
Feature: A running daemon is told something
  - SIGHUP with a bad file changes nothing and ends nothing, and the log names what is wrong.
  - A drain waits for what runs, within its bound; what runs longer is ended with an error, and the exit is in order.

  Scenario: SIGHUP with a bad file changes nothing
    Given a hive with 1 worker
    When its configuration is changed, half of it wrongly, and it is sent SIGHUP
    Then it logs that it refuses "durations.heartbeat_ms"
    And it goes on as the same process
    And a worker that is spawned now has 4 slots

  Scenario: A drain ends in time, whatever still runs
    Given a hive whose drains last 300 ms at most
    And 1 worker on it
    And a client that has received half of the 200 tokens that it asked for
    When 1 worker is stopped
    Then the stream ends within 1 second with one error chunk that carries its request id, and no [DONE]
    And the hive saw each of them exit with status 0
    And nothing of it is left: no row, no process, no listener
