@cluster
Feature: Links between the parts fail
  - A hive that falls silent is suspected, and given up a lease and a heartbeat after its last word at the latest;
    the queen's list, events, metrics and log say the same.
  - What nobody can serve is refused, with the reason, and never left hanging.
  - When the link is whole again the same hive is back within two heartbeats, with the same worker processes.
  - What the network delivers late is not run twice.

  Scenario: A hive that is cut off is suspected, then given up
    Given a hive with 1 worker
    And leases and a request pass on the link between the queen and hive-1
    When the link between the queen and hive-1 is cut
    Then the queen suspects hive-1, and gives it up no later than a lease and a heartbeat after the cut
    And the queen's list, events, metrics and log agree that hive-1 is unavailable
    And a request is refused at once with 503 and Retry-After, since its hive is "hive_unavailable"

  Scenario: A hive that was cut off comes back as it was
    Given a hive with 2 workers
    And the link between the queen and hive-1 is cut until the queen has given hive-1 up
    When that link is restored
    Then hive-1 is available again within 2 heartbeats, as the same instance
    And the queen's list, events, metrics and log agree that hive-1 is available
    And the workers are the same processes as before

  Scenario: What ends behind the cut is gone when the link is restored
    Given a hive with 2 workers
    And the link between the queen and hive-1 is cut until the queen has given hive-1 up
    When a worker is stopped at its hive
    And that link is restored
    Then hive-1 is available again within 2 heartbeats, as the same instance
    And the queen lists the stopped worker no more

  Scenario: Requests resume when the link is restored
    Given a hive with 1 worker
    And the link between the queen and hive-1 is cut until the queen has given hive-1 up
    When that link is restored
    Then hive-1 is available again within 2 heartbeats, as the same instance
    When 3 requests are sent one after the other
    Then every request is answered
    And nothing has been registered, removed or restarted since

  Scenario: A request that is sent into the cut does not hang
    Given a hive with 1 worker
    When the link between the queen and hive-1 is cut
    Then a request with a deadline of 2 heartbeats is answered by it with an error

  Scenario Outline: What goes from <here> to <there> alone is lost
    Given a hive with 1 worker
    When everything that goes from <here> to <there> is lost
    Then the queen suspects hive-1, and gives it up no later than a lease and a heartbeat after the cut
    When that link is restored
    Then hive-1 is available again within 2 heartbeats, as the same instance
    And the workers are the same processes as before

    Examples:
      | here      | there     |
      | the queen | hive-1    |
      | hive-1    | the queen |

  Scenario: A link that resets connections is heard of at once
    Given a hive with 1 worker
    When every connection on the link between the queen and hive-1 is reset
    Then a request is answered at once with 502 or 503 and Retry-After
    And the queen suspects hive-1, and gives it up no later than a lease and a heartbeat after the cut
    When that link is restored
    Then hive-1 is available again within 2 heartbeats, as the same instance

  Scenario: The link is cut in the middle of a stream
    Given a hive with 1 worker
    And a client that has received half of the 200 tokens that it asked for
    When the link between the queen and hive-1 is cut
    Then the stream ends within the stall bound with one error chunk that carries its request id, and no [DONE]
    And the queen counts it as a request that failed, and not as served

  Scenario: A link that flaps registers nobody twice
    Given a hive with 2 workers
    When the link between the queen and hive-1 is cut and restored 4 times
    Then hive-1 is available again within 2 heartbeats, as the same instance
    And nothing has been registered, removed or restarted since
    And the workers are the same processes as before

  Scenario: Of two hives one is cut off, and the other serves
    Given 2 hives with 1 worker each
    And the link between the queen and hive-1 is cut until the queen has given hive-1 up
    When 10 requests are sent one after the other
    Then every request is answered
    And hive-2 served 10 of them by its own count
    And the queen's list, events, metrics and log agree that hive-1 is unavailable

  Scenario: A partition that outlasts the orphan grace costs no worker
    Given a hive with 2 workers
    When the link between the queen and hive-1 is cut
    Then the queen forgets the workers of hive-1, after the orphan grace
    When that link is restored
    Then hive-1 is available again within 2 heartbeats, as the same instance
    And the workers are the same processes as before

  Scenario Outline: A request that arrives late is not run twice, when its sender <sender>
    Given a hive with 1 worker
    And a request that has been served under an id of its own
    When the link between the queen and hive-1 is cut with a copy of that request on it, whose sender <sender>
    And that link is restored
    Then the copy arrives there and is not run
    And the worker has run that request once, by its own counts

    Examples:
      | sender       |
      | still waits  |
      | has given up |

  Scenario: Workers that their hive cannot reach are not routed to, and heal without a restart
    Given a hive whose workers wait 6 leases for it
    And 2 workers on it
    When the link between hive-1 and its workers is cut
    Then the queen stops routing to the workers of hive-1 within a lease and 1 heartbeat, still ready
    And a request is refused at once with 503 and Retry-After, since its worker is "worker_unhealthy"
    When that link is restored
    Then the queen routes to them again within 2 heartbeats
    And the workers are the same processes as before
    When 3 requests are sent one after the other
    Then every request is answered

  Scenario Outline: What goes from <here> to <there> alone is lost inside a node
    Given a hive whose workers wait 6 leases for it
    And 2 workers on it
    When everything that goes from <here> to <there> is lost
    # On a connection that stands, one more lease may come through when only its answer is lost.
    Then the queen stops routing to the workers of hive-1 within a lease and 2 heartbeats, still ready
    When that link is restored
    Then the queen routes to them again within 2 heartbeats
    And the workers are the same processes as before

    Examples:
      | here        | there       |
      | hive-1      | its workers |
      | its workers | hive-1      |

  Scenario: Workers that are cut off from their hive past the orphan grace end themselves, and come back when it heals
    Given a hive with 1 worker
    When the link between hive-1 and its workers is cut
    Then the workers end themselves no sooner than the orphan grace and no later than two heartbeats after it
    When that link is restored
    Then the queen routes to new processes under the old ids, and the old processes are gone
    And a request is served

  @link.shaping
  Scenario: A slow link stays available
    # A heartbeat is 1.5 s then: with a connection for each lease, a delay of 0.2 s costs it 0.8 s.
    Given leases of 4500 ms
    And a hive with 1 worker
    When everything on the link between the queen and hive-1 takes 200 ms longer each way
    Then hive-1 stays available for 2 leases
    And a request is served, no sooner than after 800 ms

  @link.shaping
  Scenario: A narrow link stays available
    Given a hive with 1 worker
    When the link between the queen and hive-1 carries no more than 20000 bytes a second
    Then hive-1 stays available for 2 leases
    And a request is served, no sooner than after 20 ms
