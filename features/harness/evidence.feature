Feature: A Then has evidence
  What a Then asserts comes from an observation that it makes itself: it looks at the product, and judges what it saw.

  - A Then that makes no observation fails, and so does one that asserts nothing; And and But inherit.
  - An assertion of harness/ counts like one of steps/; `assert 1 < 2` does not count.
  - Given and When owe no evidence.

  Scenario: Every kind of Then
    Given the project "verdicts"
    When behave runs it with `features/evidence.feature`
    Then behave has exited with status 1
    And its scenarios have ended like this
      | scenario                             | status |
      | a Then that looks and asserts        | passed |
      | a Then that lets the harness assert  | passed |
      | a Then that remembers                | failed |
      | an And that remembers                | failed |
      | a Then that accepts anything         | failed |
      | a Then that asserts a constant       | failed |
      | a Given without evidence             | passed |
    And behave has said "This Then made no observation"
    And behave has said "This Then asserted nothing"
