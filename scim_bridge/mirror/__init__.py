"""A local copy of a connection's directory: documents ready to send, and keys by which SCIM finds and orders them."""
