"""What gunicorn and the flask command serve."""

from campaign.factory import create_app

app = create_app()
