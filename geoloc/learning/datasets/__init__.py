"""Cross-view data sets on disk: which query shows the same place as which references."""
