"""What the page says of a published experiment: the reproduction report, its claims, its numbers."""
