"""The embedded platform: S3, MLflow, a Git origin, an Actions runner, a storage initializer; processes on loopback."""
