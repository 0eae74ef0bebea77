"""What an assistant may do with an account by the Model Context Protocol: `booper mcp` (extra `mcp`)."""
