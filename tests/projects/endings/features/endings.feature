Feature: Ways for a run to end
  Every scenario starts a daemon that no cleanup ends, unless it is to pass.

  Scenario: passes
    Given a daemon that the scenario ends
    Then the daemon is alive

  Scenario: fails
    Given a daemon that nobody ends
    When a step fails

  Scenario: calls sys.exit
    Given a daemon that nobody ends
    When a step calls sys.exit

  Scenario: calls os._exit
    Given a daemon that nobody ends
    When a step calls os._exit

  Scenario: waits
    Given a daemon that nobody ends
    And a cleanup that writes a line
    When a step waits

  Scenario: waits, with a slow cleanup
    Given a daemon that nobody ends
    And a cleanup that takes long
    When a step waits

  Scenario: prints
    Given a daemon that nobody ends
    And a cleanup that writes a line
    When a step waits a little
    And a step waits

  @breaks_before_scenario
  Scenario: has an error in before_scenario
    Given a daemon that nobody ends

  @breaks_after_scenario
  Scenario: has an error in after_scenario
    Given a daemon that nobody ends

  Scenario: comes after it
    Given a line is written
