"""The report page: results as one HTML file to look at and to put right, and corrections back."""
