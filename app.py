"""What gunicorn and the flask command serve."""

# ruff: noqa: E402  the imports below are what is not to be searched for garbage
import gc

gc.disable()

from campaign.factory import create_app

app = create_app()

# What is there now stays for as long as the process: not to look through it again and again, while it grows and ever
# after, makes the start a third quicker and spares requests the pauses.
gc.freeze()
gc.enable()
