"""The scene as a page in the browser, on viser."""
