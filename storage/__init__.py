"""Where videos and their derived files live: one interface, a bucket of any S3 service or a directory."""
