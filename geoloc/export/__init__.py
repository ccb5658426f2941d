"""Located photos -> the files of other programs."""
