"""Administration over HTTP: the API, the pages where credentials are entered, the operator's console, the proxy."""
