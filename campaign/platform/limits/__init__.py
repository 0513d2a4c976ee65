"""Rate limits counted in Redis or in the process."""
