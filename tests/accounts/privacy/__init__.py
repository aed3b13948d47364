"""What is known about people."""
