"""What a gateway node runs: LiteLLM behind an allow-list, with its secrets in memory only."""
