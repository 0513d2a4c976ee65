"""The public forms under random input; `make fuzz` runs many more cases than `make test`."""
