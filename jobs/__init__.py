"""The durable life of a clip: accept, intend, submit, wait, collect, settle."""
