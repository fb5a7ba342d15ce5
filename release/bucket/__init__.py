"""The models bucket: objects that are written once, and what they say of one artifact.
Everything that speaks S3 lives here."""
