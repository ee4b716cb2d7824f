"""SailPoint IdentityIQ (on-premises, SCIM 2.0 dialect of 7.0 to 9.0): for now its simulation."""
