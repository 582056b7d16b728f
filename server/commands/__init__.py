"""What the operator's commands do; `server.cli` says how they are called."""
