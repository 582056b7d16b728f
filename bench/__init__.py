"""Measures a real server from outside against a bare gRPC echo and bare SQLite inserts; speaks the contract only."""
