"""Values inside the text: dates, countries, languages, contacts, references."""
