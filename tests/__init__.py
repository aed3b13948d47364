"""The test suite; one tree because factories and customer flows span the apps."""
