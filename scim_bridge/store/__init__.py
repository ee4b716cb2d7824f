"""The bridge's own database: SQLite embedded, or PostgreSQL for several nodes."""
