Feature: Faults with their injection left out

  Scenario Outline: <fault>
    When a <fault> is asked for, and its injection does nothing

    Examples:
      | fault          |
      | DamagedFile    |
      | FileSizeLimit  |
      | FilledDisk     |
      | HeldLock       |
      | LimitLowered   |
      | LinkFault      |
      | Pause          |
      | ReadOnlyFolder |
      | RemovedFile    |
      | SignalSent     |
      | SmallDisk      |
