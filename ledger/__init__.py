"""Where every micro-unit of money went: an append-only ledger."""
