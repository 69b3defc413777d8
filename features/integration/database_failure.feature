@cluster
Feature: A database fails
  - A hive finds a damaged catalog at the next query, says so in its health, its metrics and its log, and serves on.
  - It keeps the broken file as it is, salvages what can be read, and rebuilds the rest from its model folder.
  - Where the disk refuses, rows live in memory, and are on disk when it returns. Models and workers come throughout.
  - The queen's registry leads its database: while that is away it serves, and then stores what waited, in order. A file
    that SQLite refuses is kept beside a new one.
  - A killed daemon leaves whole rows only, and of a download a part that nobody takes for the model.

  Scenario Outline: The <damage> of a hive's catalog is destroyed
    Given a hive
    And 40 models in its catalog
    When the <damage> of the catalog is destroyed
    And the hive is asked for its models
    Then it is degraded, counts a damage of its catalog, and has logged it with SQLite's message and the request's id
    And the broken file is kept aside, byte by byte
    And the catalog is rebuilt: the same models as before, and the log counts the rows that were salvaged
    And the file is whole again, and has every model and worker that the hive lists
    When a worker is started from the new model "small:3b" and asked something
    Then every request is answered
    And the file is whole again, and has every model and worker that the hive lists

    Examples:
      | damage                   |
      | header                   |
      | root page of its table   |
      | middle page of its table |
      | last quarter             |
      | whole content            |

  Scenario: A catalog is damaged while workers serve
    Given a hive with 2 workers
    And 40 models in its catalog
    And a client that has received half of the 60 tokens that it asked for
    When the root page of its table of the catalog is destroyed
    And the hive is asked for its models while 10 requests are sent at once
    Then every request is answered
    And the stream finishes with all of its tokens and [DONE]
    And the catalog is rebuilt: the same models as before, and the log counts the rows that were salvaged
    And the file is whole again, and has every model and worker that the hive lists
    And the queen, the hives and the process table agree on 2 workers

  Scenario Outline: A hive starts over a catalog whose <damage> is destroyed
    Given a hive
    And 40 models in its catalog
    When the hive is stopped, the <damage> of the catalog is destroyed, and the hive is started again
    Then the broken file is kept aside, byte by byte
    And the catalog is rebuilt: the same models as before, and the log counts the rows that were salvaged
    And the file is whole again, and has every model and worker that the hive lists

    Examples:
      | damage        |
      | header        |
      | whole content |

  Scenario: The catalog is damaged and its folder cannot be written to
    Given a hive that obeys file modes
    And 40 models in its catalog
    When the header of the catalog is destroyed and its folder is made read-only
    And the hive is asked for its models
    Then it says that its catalog is in memory only, and lists the same models as before
    When a worker is started from the new model "small:3b" and asked something
    Then every request is answered
    When the folder can be written to again
    Then the file is whole again, and has every model and worker that the hive lists
    And the broken file is kept aside, byte by byte

  Scenario: A hive is killed in the middle of its writes
    Given a hive
    When it is killed 20 times in the middle of a burst of pulls and removals
    Then each of the 20 killings left whole rows only, and a file that SQLite finds in order

  Scenario: A hive is killed in the middle of a download
    Given a hive
    When it is killed in the middle of the download of "large:70b", and started again
    And "large:70b" is pulled again
    Then the download of "large:70b" has gone on where it was cut, and the file is the hub's, byte by byte

  Scenario Outline: The queen's database is <away>
    Given a hive with 1 worker
    And a queen on its own disk
    When the queen's database is <away>
    And 2 workers are started one after the other
    Then the queen is degraded and says how many writes wait
    When 4 requests are sent one after the other
    Then every request is answered
    When the queen's database is there again
    Then the queen's file has what it lists, in the order in which it changed

    Examples:
      | away           |
      | locked         |
      | on a full disk |
      | read-only      |

  Scenario: The queen's database is deleted while it runs
    Given a hive with 2 workers
    When the queen's database is deleted
    Then the queen's file has what it lists
    When 4 requests are sent one after the other
    Then every request is answered

  Scenario: The queen starts over a database whose header is destroyed
    Given a hive with 2 workers
    When the queen is stopped, the header of its database is destroyed, and it is started again
    Then the queen's file has what it lists
    And the broken file is kept beside the queen's, byte by byte
