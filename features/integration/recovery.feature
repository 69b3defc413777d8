@cluster
Feature: What fails comes back, and what lives on is found again
  - A restarted queen finds the workers that its hives kept running, and declares nobody dead for one lease time.
  - A killed hive's workers live on; its successor adopts exactly them, or they end themselves after the grace.
  - A stopped hive leaves no worker.
  - A crashed worker is known at once and costs one answer at most, which says when to come again.
  - A hung worker is not routed to until it answers again; an idle one is stopped, a busy one never.

  Scenario Outline: A queen that was <ended> and started again finds everybody
    Given 2 hives with 2 workers each
    When the queen is <ended> and started again
    Then the queen, the hives and the process table agree on 4 workers within one lease time
    And they are the same processes as before
    And for one lease time the queen declares no hive unavailable
    And a request is served

    Examples:
      | ended   |
      | stopped |
      | killed  |

  Scenario: A restarted queen does not take a hive that it has not heard yet for dead
    Given a hive with 1 worker
    When hive-1 is frozen and the queen is killed and started again
    Then the queen calls hive-1 unavailable no sooner than one lease time after its start

  Scenario: A stream through a killed queen ends, and the next one works
    Given a hive with 1 worker
    And a client that has received half of the 60 tokens that it asked for
    When the queen is killed and started again
    Then the client's connection broke without [DONE]
    And the worker is idle again
    And a request is served

  Scenario: A killed hive's workers live on, and its successor adopts exactly them
    # The grace is 9 s then: on a busy machine the successor's start alone takes more than the usual 3 s.
    Given leases of 4500 ms
    And a hive with 3 workers
    When hive-1 is killed
    Then the 3 worker processes live on
    When hive-1 is started again
    Then the queen, the hives and the process table agree on 3 workers
    And they are the same processes as before
    And a request is served

  Scenario: Workers whose hive does not come back end themselves after the grace
    Given a hive with 2 workers
    When hive-1 is killed
    Then the workers end themselves no sooner than the orphan grace and no later than two heartbeats after it

  Scenario: A worker whose PID now belongs to a stranger is not adopted, and the stranger is left alone
    Given a hive with 1 worker
    When hive-1 is killed, its worker dies, and the row names a stranger's PID
    And hive-1 is started again
    Then the queen, the hives and the process table agree on 1 worker besides the stranger
    And the stranger is alive and got no signal

  Scenario: A stopped hive leaves no worker
    Given a hive with 3 workers
    When hive-1 is stopped
    Then no worker process is left
    And the queen lists no worker of it

  Scenario: A cluster that was killed as a whole is consistent again in one lease time
    # A lease is 6 s then: four workers at once take up to 2 s to start on two busy cores.
    Given leases of 6000 ms
    And 2 hives with 2 workers each
    When the queen, the hives and the workers are all killed
    And the queen and the hives are started again
    Then the queen, the hives and the process table agree on 4 workers within one lease time
    And no two workers share an id, a process or a port
    And a request is served

  Scenario: A worker's crash is known within a second, and the other worker serves at once
    # A heartbeat is 2 s then: the crash is not told with the next one, but at once.
    Given leases of 6000 ms
    And a hive with 2 workers
    When a worker is killed
    Then the queen knows within 1 second
    And every one of the next 4 requests is served

  Scenario: The answer that a crash costs says when to come again
    Given a hive that never restarts its workers
    And 1 worker on it
    When a worker is killed
    Then the queen knows within 1 second
    And the worker rests as "failed" with the reason "crashed"
    And a request gets 503 with code "no_worker_available" and Retry-After

  Scenario: The gauges tell what is there, however often they are looked at
    Given a hive that never restarts its workers
    And 2 workers on it
    When a worker is killed
    Then the queen knows within 1 second
    And the gauges of workers say what the lists say, at each of 3 looks

  Scenario: A hung worker is not routed to until it answers again
    Given a hive with 2 workers
    When a worker is frozen
    Then it is unhealthy after 3 probes, and not routed to
    And every one of the next 4 requests is served by the other worker
    When the frozen worker goes on
    Then it is routed to again, as the same process

  Scenario: A busy worker is never taken for a hung one
    Given a hive with 1 worker
    When a client asks for a stream that lasts longer than 3 probes
    Then the worker is healthy and the same process as long as the stream runs
    And the stream finishes with all of its tokens and [DONE]

  Scenario: An idle worker is stopped after its idle time, and not while it serves
    Given a hive that stops its workers after 1500 ms of idleness
    And 1 worker on it
    When a client asks for a stream that lasts longer than the idle time
    Then the worker is healthy and the same process as long as the stream runs
    And the stream finishes with all of its tokens and [DONE]
    And the worker is stopped no sooner than the idle time after the stream, with the reason "idle"
