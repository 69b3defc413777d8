@cluster
Feature: Out of memory
  - A model that declares more than there is for it is refused before any process starts, with what it needs and what there is.
  - A model that needs more than it declares ends its worker and nothing else. The hive says `out_of_memory` only with proof: the
    worker's own word about its device, the kernel's counter of its control group, or the record of the hive's own watchdog.
  - It is said everywhere: on the row, in the events, in the metrics, in the log, and to the clients that waited.
  - What the worker had is free again, nothing of it stays, and no restart policy starts it again.
  - What is booked of a device never exceeds it, whoever comes at once; what a killed worker had comes back.

  Scenario: A model that declares more than the device has is refused
    Given a hive with a device of 4 GB
    And "honest:5b" has been pulled
    When a worker is spawned for the model "honest:5b"
    Then the answer is 507 with code "out_of_memory"
    And it says that 5 GB are needed and 4 GB are available
    And no process was started, and there is no row

  Scenario: A model that needs more of the device than it declares, while it loads
    Given a hive with a device of 4 GB
    And 1 worker for "honest:1b" that serves
    And "understated:8b" has been pulled
    And a client that keeps asking for "understated:8b"
    When a worker is spawned for the model "understated:8b"
    Then the worker for "understated:8b" has ended with status 7
    And the device was charged for "understated:8b" step by step, and never booked beyond its memory
    And row, events, metrics and log say, by its device, that "understated:8b" needs at least 8 GB and has 3 GB
    And the waiting client gets 507 with code "out_of_memory", 8 GB needed and 3 GB available
    And the worker for "understated:8b" is live nowhere, and is not started again
    And nothing is left of the worker for "understated:8b"
    And only "honest:1b" holds memory of the device, 1 GB
    And the queen reported the failure of "understated:8b" within two heartbeats
    And the memory of "understated:8b" was back within two heartbeats

  Scenario: The device's memory runs out in the middle of an inference
    Given a hive with a device of 4 GB
    And 1 worker for "honest:1b" that serves
    And 1 worker for "wordy:1b" that serves
    When "honest:1b" streams 200 tokens
    And "wordy:1b" streams 1000 tokens
    Then the stream of "wordy:1b" ends with an error chunk "out_of_memory" and no [DONE]
    And row, events, metrics and log say, by its device, that "wordy:1b" needs at least 3 GB and has 3 GB
    And the worker for "wordy:1b" is live nowhere, and is not started again
    And nothing is left of the worker for "wordy:1b"
    And only "honest:1b" holds memory of the device, 1 GB
    And the stream of "honest:1b" ends with all of its tokens and [DONE]

  Scenario: A client waits for the slot of a worker that runs out of memory
    Given a hive with a device of 4 GB and 1 slot for each worker
    And 1 worker for "wordy:1b" that serves
    When "wordy:1b" streams 1000 tokens
    And a client waits in line for "wordy:1b"
    Then the stream of "wordy:1b" ends with an error chunk "out_of_memory" and no [DONE]
    And the waiting client gets 507 with code "out_of_memory", 4 GB needed and 4 GB available

  Scenario: Another program fills the device
    Given a hive with a device of 4 GB
    And "honest:1b" has been pulled
    When another program takes 4 GB of the device
    And a worker is spawned for the model "honest:1b"
    Then the answer is 507 with code "out_of_memory"
    And it says that 1 GB are needed and 0 GB are available
    When the other program gives it back
    And a worker is spawned for the model "honest:1b"
    Then 1 worker serves "honest:1b"

  Scenario: A killed worker gives its memory back
    Given a hive with a device of 4 GB
    And 2 workers for "honest:1b" that serve
    When a worker is killed
    Then it runs again: same id, new instance, new process, and the old process is gone
    And the device was free of the killed worker's 1 GB before the new one was charged
    When 2 workers for "honest:1b" are started one after the other
    Then only "honest:1b" holds memory of the device, 4 GB

  Scenario: Running out of memory again and again costs the hive nothing
    Given a hive with a device of 4 GB
    And "understated:8b" has been pulled
    When 6 workers for "understated:8b" run out of memory one after the other
    Then the hive's memory has grown by no more than 4 MiB
    And nothing is held of the device

  Scenario: Each worker goes to the device that is least loaded
    Given a hive with devices of 4 GB and 3 GB
    When 3 workers for "honest:1b" are started one after the other
    Then they are on "gpu0", "gpu1" and "gpu0", as the rows, the hive, the queen and the ledgers have it

  Scenario Outline: Two hives spawn in the same instant on one device, a model that is <model>
    Given 2 hives that share a device of 4 GB
    And "<model>" has been pulled
    When a worker for "<model>" is spawned on each hive in the same instant
    Then <serving> 1 of them serves "<model>", and the others are out of memory
    And the device was never booked beyond its memory

    Examples:
      | model          | serving |
      | honest:3b      | exactly |
      | understated:3b | at most |

  Scenario: A model that declares more than its worker's limit is refused
    Given a hive that limits its workers to 128 MiB, held by the hive's watchdog
    And "large:70b" has been pulled
    When a worker is spawned for the model "large:70b"
    Then the answer is 507 with code "out_of_memory"
    And it says that 256 MiB are needed and 128 MiB are available
    And no process was started, and there is no row

  Scenario Outline: A model needs more of the host than it declares, held by <keeper>
    Given a hive that limits its workers to 128 MiB, held by <keeper>
    And 1 worker for "tiny:1b" that serves
    And "understated:200m" has been pulled
    When a worker is spawned for the model "understated:200m"
    Then the worker for "understated:200m" has ended by SIGKILL
    And row, events, metrics and log say, by <keeper>, that "understated:200m" needs at least 200 MiB and has 128 MiB
    And the worker for "understated:200m" is live nowhere, and is not started again
    And nothing is left of the worker for "understated:200m"
    And the queen reported the failure of "understated:200m" within two heartbeats
    And a request is served

    Examples: everywhere
      | keeper              |
      | the hive's watchdog |

    @needs.cgroup_memory
    Examples: where a control group can be made
      | keeper          |
      | a control group |

  @needs.cgroup_memory
  Scenario: The limit of a worker is lowered in the middle of an inference
    Given a hive that limits its workers to 1024 MiB, held by a control group
    And 1 worker for "tiny:1b" that serves
    And 1 worker for "wordy:1m" that serves
    When "wordy:1m" streams 1000 tokens
    And the limit of the worker for "wordy:1m" is lowered to 24 MiB above its use
    Then the stream of "wordy:1m" ends with an error chunk "worker_lost" and no [DONE]
    And row, events, metrics and log say, by a control group, that "wordy:1m" needs more than the limit that it was left
    And nothing is left of the worker for "wordy:1m"
    And a request is served

  Scenario: A worker that is killed by somebody is not called out of memory
    Given a hive that limits its workers to 128 MiB, held by the hive's watchdog
    And 1 worker for "tiny:1b" that serves
    When a worker is killed
    Then it runs again: same id, new instance, new process, and the old process is gone
    And nothing was called out of memory
