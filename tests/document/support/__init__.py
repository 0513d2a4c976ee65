"""Helpers of the tests of documents: builders of files, forms, mutations, and the search for lost lines."""
