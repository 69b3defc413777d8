Feature: Two daemons of our own

  Scenario: The web server serves our files
    Given a web
    When the web is ended and started again
    Then the web serves /ticker.sh

  Scenario: The ticker runs beside it
    Given a web
    And a ticker
    When the ticker is ended and started again
    Then the ticker has said `ready`

  @leaking
  Scenario: A process is left behind
    Given a ticker
    When a step starts `sleep 600` and forgets it
    Then the ticker has said `ready`
