Feature: Things to leave behind

  Scenario: a process that forked twice
    Given a daemon that does "double-fork"

  Scenario: a process that ignores SIGTERM
    Given a daemon that does "ignore-term"

  Scenario: a stopped process
    Given a daemon that does "stop"

  Scenario: a zombie
    Given a daemon that does "die"

  Scenario: a process with a port
    Given a daemon that does "new-session listen"

  Scenario: a process with a file lock
    Given a daemon that locks a file of the run

  Scenario: a port of behave itself
    Given a listening socket

  Scenario: a file lock of behave itself
    Given a locked file of the run

  Scenario: a temporary folder
    Given a temporary folder

  Scenario: a mount
    Given a mounted file system

  Scenario: a failed step and a process
    Given a daemon that does "new-session"
    When a step fails

  Scenario: nothing
    Given nothing is left of an earlier scenario
