"""Everything that installs, starts and packages the product."""
