"""What nodes share through a database: access tokens, the upstream's rate limit, and what pages of a query left."""
