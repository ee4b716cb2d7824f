"""OneLogin: users, roles and events of one account."""
