"""Self-contained HTML pages about results: pictures, plots and tables in one file that needs no network."""
