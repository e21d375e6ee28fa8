"""What benchmarks measure with, and the page that is made of their results."""
