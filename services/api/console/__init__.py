"""The console: pages for front-line staff, drawn from the API's own answers."""
