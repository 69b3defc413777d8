@cluster
Feature: Workers come and go
  - A spawn that is accepted becomes a process of its hive, and a row that names exactly that process.
  - The queen, the hives and the process table always come to agree on who the workers are.
  - A stopped worker ends with status 0, and nothing of it stays: no row, no process, no listener.
  - A worker that will not stop is killed after the grace, and the log says which, why and how.

  Scenario: Workers spawned at once all run under their hive
    Given a hive
    When 4 workers are spawned at once
    Then 4 distinct ids were answered
    And each of them is a live process of the worker's command, and a child of its hive
    And the queen, the hives and the process table agree on 4 workers
    And each worker answers as itself on the port of its row
    And no worker process is without a row, without its hive as parent, or a zombie

  Scenario: Stopped workers leave nothing behind
    Given a hive with 4 workers
    When 2 workers are stopped at once
    Then the hive saw each of them exit with status 0
    And nothing of them is left: no row, no process, no listener
    And the queen, the hives and the process table agree on 2 workers
    And no worker process is without a row, without its hive as parent, or a zombie

  Scenario: New workers never get the id of a living one
    Given a hive with 3 workers
    When 2 workers are stopped at once
    And 3 workers are spawned at once
    Then 3 distinct ids were answered
    And none of those ids was in use before
    And the queen, the hives and the process table agree on 4 workers

  Scenario: The id of a living worker cannot be taken
    Given 2 hives with 1 worker each
    When a worker is spawned under an id that is in use
    Then the answer is 409 with code "worker_exists"
    And the worker of that id is the same process as before

  Scenario: A worker that crashes is replaced under its own id
    Given a hive with 2 workers
    When a worker is killed
    Then it runs again: same id, new instance, new process, and the old process is gone
    And the queen, the hives and the process table agree on 2 workers
    And no worker process is without a row, without its hive as parent, or a zombie

  # Fifty changes take as long as the machine takes for them: on a busy one longer than the suite's idle time of 30 s,
  # and a worker that is stopped for idleness is none of the changes.
  Scenario: Spawns and stops interleaved fifty times
    Given workers that may be idle for 600 seconds
    And a hive
    When spawns and stops are interleaved 50 times
    Then the queen, the hives and the process table agreed after each of the 50 changes
    And no worker process is without a row, without its hive as parent, or a zombie

  Scenario: A worker can be stopped while it loads
    Given a hive
    And a worker on it that is loading "large:70b"
    When that worker is stopped
    Then the hive saw it end, and it was never ready
    And nothing of it is left: no row, no process, no listener
    And the queen, the hives and the process table agree on 0 workers

  Scenario: A worker that ignores SIGTERM is killed after the grace
    Given a hive whose workers ignore SIGTERM
    And 1 worker on it
    When 1 worker is stopped
    Then it is gone no sooner than the kill grace
    And the hive logged the kill with the worker's id, its PID, the reason and the signal
    And nothing of it is left: no row, no process, no listener

  Scenario: A hung worker is killed after the grace
    Given a hive with 1 worker
    And a worker that is frozen
    When 1 worker is stopped
    Then it is gone no sooner than the kill grace
    And the hive logged the kill with the worker's id, its PID, the reason and the signal
    And nothing of it is left: no row, no process, no listener

  Scenario: A worker that drains gets no more requests
    Given a hive with 2 workers
    And a client that has received half of the 150 tokens that it asked for
    When the worker that serves it is restarted through the API
    And 4 requests are sent at once
    Then every request is answered
    And no hive refused any of them by its own count
    And the stream finishes with all of its tokens and [DONE]

  Scenario: Five workers that ignore SIGTERM take one grace, not five
    Given a hive whose workers ignore SIGTERM
    And 5 workers on it
    When 5 workers are stopped at once
    Then they are all gone after 1 kill grace and before 2
    And the hive logged the kill with the worker's id, its PID, the reason and the signal
    And the queen, the hives and the process table agree on 0 workers
