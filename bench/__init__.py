"""The benchmarks: `python -m bench --help`. docs/benchmarks.md has the figures and what limits each."""
