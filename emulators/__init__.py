"""Vendors, played faithfully on loopback: real sockets, a durable ledger of every POST, real MP4s, faults on demand."""
