"""The gRPC surface, the HTTP edge, settings, migrations, the composition root and the command line."""
