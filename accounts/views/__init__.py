"""Pages and the live stream."""
