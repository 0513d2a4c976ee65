"""Pictures for pages and print: charts, maps, share cards and posters."""
