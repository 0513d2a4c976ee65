"""Tocsin: an Urgent Action document becomes a live campaign.

Layers, top to bottom; each imports only from those below it (`make check` proves it):

    factory → web | cli → worker → tasks → services → mail → letter → queries | document → models → platform
    → domain | config → theme
"""
