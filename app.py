"""The WSGI application that gunicorn and the flask command load."""

from campaign.factory import create_app

app = create_app()
