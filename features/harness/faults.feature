Feature: A fault that does not bite is refused
  What a scenario breaks is seen to be broken before the product is asked anything: a link that was never cut, or a
  process that was never stopped, would let every Then after it pass. So each kind of fault looks for its own effect.

  Scenario: Each kind of fault, its injection left out
    Given the project "faults"
    When behave runs it with `features/faults.feature`
    Then behave has exited with status 1
    And each kind of fault is refused in its own words
      | fault          | words                                                        |
      | DamagedFile    | SQLite should refuse to read bees, but says 'nothing'        |
      | FileSizeLimit  | the daemon has a limit of -1 bytes, not 4096                 |
      | FilledDisk     | 4096 bytes more could be written                             |
      | HeldLock       | bees.sqlite3 is not locked                                   |
      | LimitLowered   | the limit is 67108864, it was None                           |
      | LinkFault      | there is no rule on Way                                      |
      | Pause          | the pause does not bite                                      |
      | ReadOnlyFolder | a file can be made in it                                     |
      | RemovedFile    | bees.sqlite3 is still there                                  |
      | SignalSent     | it was never sent                                            |
      | SmallDisk      | not 1048576                                                  |
