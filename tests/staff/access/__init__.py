"""Tests of access: what each actor may do."""
