@cluster
Feature: Many things in one instant
  - Registrations that come at once are all there afterwards, each distinct, each found by its id.
  - Of several that want one name, one wins; of several that want one model, one download serves all.
  - No update of a registry is lost, and none goes backward, in whatever order words arrive.
  - More requests than slots wait their turn in a bounded queue; beyond it the answer says when to come again.
  - A client that hangs up gives its slot back within a second.

  Scenario: Workers registered at once are all there, distinct, and found by id
    Given 2 hives with 3 workers each
    When 6 workers are spawned at once
    Then the queen, the hives and the process table agree on 12 workers
    And no two workers share an id, a process or a port
    And each worker is found by its id at the queen and at its hive
    And every worker is idle by its own health

  Scenario: Clients that send in the same instant are all answered, and no slot is taken twice
    Given 2 hives with 2 workers each
    When 40 clients each stream 15 tokens in the same instant
    Then all 40 streams are whole
    And the workers' own counts add up to 40
    And no worker ever had more slots taken than it has

  Scenario: Three want one id, and one gets it
    Given a hive
    When 3 workers are spawned at once under one id
    Then 1 of the answers is 202 and 2 are 409 with code "worker_exists"
    And the queen, the hives and the process table agree on 1 worker

  Scenario: Three want one id where each could get it on another hive
    Given 3 hives with 1 worker each
    When 3 workers are spawned at once under one id
    Then 1 of the answers is 202 and 2 are 409 with code "worker_exists"
    And the queen, the hives and the process table agree on 4 workers

  Scenario: Three want a model that is not there, and it is downloaded once
    Given a hive
    When 3 workers are spawned at once for the model "small:3b"
    Then 3 workers serve "small:3b"
    And the hub counted 1 download of "small:3b"

  Scenario: A thousand leases in a random order lose no update and never go backward
    # The last may come first, and what is older renews nothing: a busy machine takes longer than a scaled lease for the rest.
    Given leases of 15000 ms
    And a fake hive that only leases
    When it sends 1000 leases in a random order, 8 at a time
    Then the queen never showed an older lease after a newer one
    And the queen shows the last lease of the 1000

  Scenario: A hive that registers again just while its rows are cleaned up is there once
    Given leases of 600 ms
    And a fake hive that only leases
    When it stops leasing until its rows are being removed, and leases again, 10 times
    Then its worker was there exactly once after each of the 10 returns

  Scenario: More requests than slots wait their turn, and none is lost
    Given a hive whose workers have 2 slots
    And 1 worker on it
    When 12 clients each stream 10 tokens in the same instant
    Then all 12 streams are whole
    And the workers' own counts add up to 12
    And no worker ever had more slots taken than it has

  Scenario: Beyond the queue's bound the answer says when to come again
    Given a queen that lets 4 requests wait
    And a hive whose workers have 2 slots
    And 1 worker on it
    When 12 clients each stream 40 tokens in the same instant
    Then 6 streams are whole and 6 were refused with 429 or 503 and Retry-After
    And the workers' own counts add up to 6

  Scenario: A client that hangs up frees its slot within a second
    Given a hive whose workers have 1 slot
    And 1 worker on it
    And a client that has received half of the 200 tokens that it asked for
    When the client hangs up
    Then the worker is idle again
    And its token count stands still
    And a request is served
