"""Tests of the rules for signing: whether an appeal may be signed, and signing again."""
