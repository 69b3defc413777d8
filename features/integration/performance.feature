@cluster
Feature: The cluster keeps its pace
  - Requests leave on a schedule that is fixed beforehand, whatever becomes of those before; a latency counts from the
    intended send, so that a stall is in it with all that it would have hit.
  - A load generator that was itself too slow calls its run inconclusive: that is neither good nor bad, so it is no pass.
  - Under a steady load every request is answered in time, and no daemon grows.
  - Leases are as long as in production: what is measured is the work, and no lease may run out because a machine is busy.

  Background:
    Given leases of 15000 ms

  Scenario Outline: A thousand requests on a <pace> schedule over <seconds> seconds
    Given workers with 32 slots and a token every 10 ms
    And 2 hives with 2 workers each
    When 1000 requests are sent on a <pace> schedule over <seconds> seconds
    Then none of them timed out, passed its deadline or lost its connection
    And each of the 1000 is answered once, by the workers' own counts
    And their mean latency is under 100 ms and their p99 under 500 ms, from the intended send
    And memory, open files and threads of every daemon stay flat

    Examples:
      | pace     | seconds |
      | constant | 10      |

    @nightly
    Examples: at full length
      | pace     | seconds |
      | constant | 60      |
      | poisson  | 60      |

  Scenario Outline: Requests are answered in time beside a stream of <seconds> seconds
    # Who has the least to do is asked first, so that the other worker on the stream's hive may have nothing to do at all.
    Given workers that may be idle for 1200 seconds
    And workers with 32 slots and a token every 20 ms
    And 2 hives with 2 workers each
    When a stream of <seconds> seconds runs, and 20 requests a second beside it
    Then none of them timed out, passed its deadline or lost its connection
    And the stream outlasts them and brings all of its tokens, 99 of 100 within 500 ms of the one before
    And their mean latency is under 100 ms and their p99 under 500 ms, from the intended send
    And memory, open files and threads of every daemon stay flat

    Examples:
      | seconds |
      | 10      |

    @nightly
    Examples: at full length
      | seconds |
      | 600     |

  Scenario: A worker's pause is in the report, and a closed loop would have hidden it
    Given workers with 256 slots and a token every 1 ms
    And a hive with 1 worker
    When 500 requests are sent over 5 seconds and the worker is paused for a second in the middle
    And one client asks again and again for 5 seconds, through such a pause
    Then the report shows the pause by its maximum and by its p99
    And the closed loop has it in its maximum only, not in its p99

  Scenario: A generator that was paused itself calls its run inconclusive
    Given a hive with 1 worker
    When 150 requests are sent over 3 seconds and the generator is paused for a second in the middle
    Then the report calls itself inconclusive: the generator was too slow
