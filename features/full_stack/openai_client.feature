@cluster @needs.openai
Feature: The official OpenAI client works unchanged
  - With nothing set but its base URL and a key, it lists the models, and completes, streaming or not.

  Scenario: Listing models and streaming a completion
    Given a hive with 1 worker
    When the official OpenAI client lists the models and streams 12 tokens
    Then it listed "tiny:1b"
    And it received 12 tokens in 12 pieces, the same as in one answer that is not streamed
    And the pieces came as they were made, over at least half of the time that making them takes
    And the worker served 2 requests by its own count
