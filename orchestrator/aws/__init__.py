"""The only boto3 calls. Nothing here decides; nothing here is imported before it is needed."""
