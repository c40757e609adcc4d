"""What a newcomer, a developer and the checks run; nothing of the product imports it."""
