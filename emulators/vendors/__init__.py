"""One module per emulated vendor, found by its `VENDOR`; data of a big one stands beside it as `{vendor}_{what}.py`."""
