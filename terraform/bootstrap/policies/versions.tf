terraform {
  # No provider: documents are text, and so they can be read, counted and tested without any.
  required_version = ">= 1.10"
}
