Feature: A daemon that cannot start says why
  - It exits with a documented status (docs/contract.md) and one line that says what to do; never with a traceback.
  - A hive without its queen does not end: its workers may be serving. It says so once, and tries again.

  Scenario Outline: A <role> with <mistake>
    When a <role> is started with <mistake>
    Then it exits with status <status>
    And it says in one line "<what>" and "<advice>"

    Examples:
      | role   | mistake                              | status | what                        | advice               |
      | queen  | an unknown configuration key         | 2      | durations.heartbeat_mz      | durations.heartbeat_ms |
      | hive   | a value of the wrong type            | 2      | listen.port                 | integer              |
      | queen  | a configuration file that is not there | 2    | absent.toml                 | --config             |
      | queen  | a port that is taken                 | 3      | address already in use      | --listen.port        |
      | hive   | a port that is taken                 | 3      | address already in use      | --listen.port        |
      | hive   | a worker command that does not exist | 2      | no-such-program             | worker.command       |
      | worker | a model file that is missing         | 4      | absent.safetensors          | model                |
      | worker | a model file that is corrupt         | 4      | corrupt.safetensors         | model                |
      | queen  | a data folder that is a file         | 5      | a-file                      | data_dir             |

  Scenario: A hive that cannot reach its queen goes on, and says so once
    Given a hive whose queen is not there
    When 4 heartbeats have passed
    Then its health is "degraded" and names the queen
    And it has logged "queen_unreachable" exactly once

  @cluster
  Scenario: A model that nobody has
    Given a hive
    When a worker is spawned for the model "absent:1b"
    Then the answer is 404 with code "model_not_found"
    And the queen, the hives and the process table agree on 0 workers
