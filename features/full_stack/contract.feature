@cluster
Feature: The contract's OpenAPI files are true
  - docs/openapi/ has what the daemons serve; `python -m cluster openapi` writes it anew.

  Scenario Outline: The <role>'s file
    Given a hive with 1 worker
    When the <role> is asked for its OpenAPI document
    Then it is the document in docs/openapi

    Examples:
      | role   |
      | queen  |
      | hive   |
      | worker |
