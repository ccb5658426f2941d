"""Networks learn: data sets, pairs, training, adaptation to a map, benchmarks."""
