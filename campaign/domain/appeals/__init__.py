"""Appeals: lifecycle, editing, importing, related appeals."""
