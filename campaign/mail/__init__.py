"""Messages (`messages/`), their delivery (`smtp/`, `extension.py`), and reports of failed delivery (`bounce.py`)."""
