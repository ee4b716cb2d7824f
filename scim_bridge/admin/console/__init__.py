"""`/console`: what operators see and do in a browser, as pages that need no script."""
