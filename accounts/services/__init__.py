"""What accounts does to the database."""
