"""The only GitHub calls. Nothing here decides; nothing here is imported before it is needed."""
