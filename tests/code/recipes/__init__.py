"""The recipes of docs/developing: their places, and a walk through the steps of each in a copy of the code."""
